import { randomBytes } from 'node:crypto';
import { endOfString } from './json-scan.ts';
import type { JsonValue } from './json.ts';

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * V8 compares the bytes of a member's name with names that it has met before, and where the name has an escape it may take the one for the
 * other: after `{"a\\":1}` it reads `{"a\"":1}` as the former. Two requests would be one. So such names are parsed under others that have no escape.
 */
export class EscapedNames {
  /** The same JSON without escapes in its names. */
  readonly text: string;
  readonly #marker = `name-${randomBytes(12).toString('hex')}-`;
  readonly #names = new Map<string, string>();

  /** @param bytes valid JSON in UTF-8. */
  constructor(bytes: Buffer) {
    const parts: string[] = [];
    let from = 0;
    for (let index = bytes.indexOf(quote); index >= 0;) {
      const end = endOfString(bytes, index + 1, bytes.length);
      const name = bytes.subarray(index, end + 1);
      if (name.includes(backslash) && isName(bytes, end + 1)) {
        const alias = `${this.#marker}${this.#names.size}`;
        this.#names.set(alias, JSON.parse(name.toString()) as string);
        parts.push(bytes.toString('utf8', from, index), `"${alias}"`);
        from = end + 1;
      }
      index = bytes.indexOf(quote, end + 1);
    }
    this.text = parts.join('') + bytes.toString('utf8', from);
  }

  /** What was parsed of `text`, with the names that it had. Objects that are not plain stay as they are. */
  restored(value: unknown): JsonValue {
    if (Array.isArray(value)) return value.map((each) => this.restored(each));
    if (value === null || Object.getPrototypeOf(value) !== Object.prototype) {
      return value as JsonValue;
    }
    const restored = {};
    for (const [name, member] of Object.entries(value as object)) {
      Object.defineProperty(restored, this.#names.get(name) ?? name, {
        value: this.restored(member),
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    return restored;
  }
}

function isName(bytes: Buffer, end: number): boolean {
  let at = end;
  while (at < bytes.length && bytes[at]! <= 0x20) at++;
  return bytes[at] === colon;
}
