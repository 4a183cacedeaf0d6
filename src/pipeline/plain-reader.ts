import type { Harvest } from '../exchange/call.ts';
import type { AnswerFacts, Dialect } from '../exchange/dialect.ts';
import type { Bytes } from '../exchange/stream.ts';
import { isObject, parseJson } from '../kernel/json.ts';
import { decoded } from './content-coding.ts';

/** Of a larger answer (embeddings by the thousand) nothing is read or kept; its tokens are counted from the request. */
const keptBytes = 8 * 1024 * 1024;

/** What is known of an answer that could not be read. */
export const unreadFacts: AnswerFacts = {
  model: undefined,
  usage: undefined,
  serviceTier: undefined,
  unfit: 'incomplete',
  outputText: '',
};

/** A plain answer, read; undefined where it is not an object of JSON. */
export function harvestOf(
  dialect: Dialect,
  body: Bytes,
  encoding: string | undefined,
): Harvest | undefined {
  const final = withoutMark(decoded(body, encoding));
  const parsed = final === undefined ? undefined : parseJson(final.toString('utf8'));
  if (final === undefined || !isObject(parsed)) return undefined;
  try {
    return { facts: dialect.answerFacts(parsed), final, events: undefined };
  } catch {
    // It nests deeper than can be followed; its caller gets it all the same.
    return { facts: unreadFacts, final: undefined, events: undefined };
  }
}

/** True where a body that claims to be JSON breaks off or is something else. A coding that we do not know proves nothing. */
export function isBrokenJson(body: Bytes, encoding: string | undefined): boolean {
  const text = withoutMark(decoded(body, encoding));
  return text !== undefined && parseJson(text.toString('utf8')) === undefined;
}

/** Clients pass over a byte order mark; so must whoever reads the stored answer. */
function withoutMark(text: Buffer | undefined): Buffer | undefined {
  const isMarked = text !== undefined && text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf;
  return isMarked ? text.subarray(3) : text;
}

/** Reads a plain answer on the side that comes too slowly, or is too large, to be waited for. */
export class PlainReader {
  readonly #dialect: Dialect;
  readonly #encoding: string | undefined;
  #kept: Bytes[] | undefined = [];
  #bytes = 0;

  constructor(dialect: Dialect, encoding: string | undefined) {
    this.#dialect = dialect;
    this.#encoding = encoding;
  }

  push(chunk: Bytes): void {
    if (this.#kept === undefined) return;
    this.#bytes += chunk.length;
    this.#kept.push(chunk);
    if (this.#bytes > keptBytes) this.#kept = undefined;
  }

  harvest(): Harvest {
    const whole = this.#kept === undefined ? undefined : Buffer.concat(this.#kept);
    const read = whole === undefined ? undefined : harvestOf(this.#dialect, whole, this.#encoding);
    return read ?? { facts: unreadFacts, final: undefined, events: undefined };
  }
}
