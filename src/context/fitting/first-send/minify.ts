import { endOfString } from '../../../kernel/json-scan.ts';
import { parseJson } from '../../../kernel/json.ts';

const quote = 0x22;
const leastSaving = 64;

/** JSON text without white space. */
export interface Minified {
  readonly text: string;
  /** How many gaps were closed. About so many tokens are gone: a run of white space is one, however long it is. */
  readonly gaps: number;
}

/**
 * JSON text without the white space between its parts; undefined where the text is no JSON or little would be gained. Every
 * other byte stays: numbers keep their digits and members their order.
 */
export function minified(text: string): Minified | undefined {
  if (!/^\s*[[{]/.test(text) || !/[\s]["[{\]}\d]/.test(text)) return undefined;
  if (parseJson(text) === undefined) return undefined;
  const bytes = Buffer.from(text);
  const kept: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === quote) at = endOfString(bytes, at + 1, bytes.length);
    else if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      if (at > from) kept.push(bytes.subarray(from, at));
      from = at + 1;
    }
  }
  kept.push(bytes.subarray(from));
  const short = Buffer.concat(kept).toString('utf8');
  if (text.length - short.length < leastSaving) return undefined;
  return { text: short, gaps: kept.length - 1 };
}
