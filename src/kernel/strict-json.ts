import { isUtf8 } from 'node:buffer';
import { EconomizerError } from './errors.ts';
import { EscapedNames } from './escaped-names.ts';
import { endOfString, scanJson, type JsonScan } from './json-scan.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';

/** A number whose digits a double cannot hold; it keeps its text. */
export class ExactNumber {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/** A parsed request body. */
export interface StrictJson {
  readonly value: JsonObject;
  /** As `value`, but with an `ExactNumber` where a double would lose digits; the same object where none does. */
  readonly exact: JsonObject;
  readonly scan: JsonScan;
}

/**
 * Parses a JSON object.
 * @throws EconomizerError `ECO_BAD_JSON` or `ECO_TOO_DEEP`. Members named twice are found later, by comparing
 *   `scan.members` with what the canonical form counts; `duplicateMember` then names the culprit.
 */
export function parseStrict(bytes: Buffer, depthLimit: number): StrictJson {
  if (!isUtf8(bytes)) {
    throw new EconomizerError('ECO_BAD_JSON', 'The body is not UTF-8 text; send JSON in UTF-8.');
  }
  const text = bytes.toString('utf8');
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new EconomizerError('ECO_BAD_JSON', `The body is not JSON: ${detail}.`, { cause });
  }
  if (!isObject(value)) {
    throw new EconomizerError('ECO_BAD_JSON', 'The body must be a JSON object.');
  }
  const scan = scanJson(bytes);
  if (scan.depth > depthLimit) {
    throw new EconomizerError(
      'ECO_TOO_DEEP',
      `The body nests ${scan.depth} levels deep; at most ${depthLimit} are allowed (limits.depth).`,
    );
  }
  if (scan.escapedName) return withEscapedNames(bytes, scan);
  return { value, exact: scan.longNumber ? withExactNumbers(text) : value, scan };
}

function withEscapedNames(bytes: Buffer, scan: JsonScan): StrictJson {
  const names = new EscapedNames(bytes);
  const value = names.restored(JSON.parse(names.text)) as JsonObject;
  const exact = scan.longNumber ? names.restored(withExactNumbers(names.text)) : value;
  return { value, exact: exact as JsonObject, scan };
}

/** `text` parsed with every number that a double would change kept as its text. */
export function withExactNumbers(text: string): JsonObject {
  return parseWithSource(text, (_name, value, context) => {
    const source = context?.source;
    if (typeof value !== 'number' || source === undefined) return value;
    return source.replace(/\D/g, '').length > 15 && String(value) !== source
      ? new ExactNumber(source)
      : value;
  }) as JsonObject;
}

/** `JSON.parse` with the third argument of its reviver (ECMAScript 2026), which the compiler's library does not know yet. */
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (name: string, value: unknown, context?: { source?: string }) => unknown,
) => unknown;

/** The first member that an object of the text names twice, as a path such as `tools.0.name`. */
export function duplicateMember(bytes: Buffer): string {
  const path: { names: Set<string> | undefined; at: string; index: number }[] = [];
  for (let index = 0; index < bytes.length; index++) {
    const byte = String.fromCharCode(bytes[index]!);
    const top = path.at(-1);
    if (byte === '{') path.push({ names: new Set(), at: '', index: 0 });
    else if (byte === '[') path.push({ names: undefined, at: '0', index: 0 });
    else if (byte === '}' || byte === ']') path.pop();
    else if (byte === ',' && top?.names === undefined && top !== undefined) {
      top.at = String(++top.index);
    } else if (byte === '"') {
      const end = endOfString(bytes, index + 1, bytes.length);
      const isName = /^\s*:/.test(bytes.toString('latin1', end + 1, end + 64));
      if (isName && top?.names !== undefined) {
        top.at = JSON.parse(bytes.toString('utf8', index, end + 1)) as string;
        if (top.names.has(top.at)) return path.map((each) => each.at).join('.');
        top.names.add(top.at);
      }
      index = end;
    }
  }
  return '';
}
