import { EconomizerError } from '../kernel/errors.ts';
import type { SseEvent } from './dialect.ts';
import { asBuffer } from './stream.ts';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** A frame end is at most CR LF CR LF, so three bytes before a chunk are enough to see one that straddles it. */
const seamBytes = 3;
const defaultFrameLimit = 16 * 1024 * 1024;

/**
 * Server-sent events out of bytes as they come (WHATWG HTML section 9.2.6): any line ending, comments, several
 * data lines, a byte order mark, frames torn anywhere. What no blank line closes is never told.
 */
export class SseParser {
  readonly #frameLimit: number;
  /** The beginning of a frame whose end has not come. */
  #torn: Buffer[] = [];
  #tornBytes = 0;
  #atStart = true;

  constructor(options: { readonly frameLimit?: number } = {}) {
    this.#frameLimit = options.frameLimit ?? defaultFrameLimit;
  }

  /**
   * The events that `chunk` completes, in order.
   * @throws EconomizerError `ECO_UPSTREAM_NOT_API` when a frame passes the limit.
   */
  push(chunk: Uint8Array): SseEvent[] {
    const bytes = this.#takeFrames(asBuffer(chunk));
    if (bytes === undefined) return [];
    let text = bytes.toString('utf8');
    if (this.#atStart) {
      this.#atStart = false;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    return eventsOf(text);
  }

  /** The stream is over. False if it broke off within a frame. */
  finish(): boolean {
    return this.#tornBytes === 0;
  }

  /** Everything up to the last frame end, the torn beginning of earlier chunks included; keeps the rest. */
  #takeFrames(chunk: Buffer): Buffer | undefined {
    const seam = this.#seam(chunk);
    const end = frameEnd(seam);
    if (end === 0) {
      this.#keep(chunk);
      return undefined;
    }
    const taken = chunk.length - (seam.length - end);
    const head = chunk.subarray(0, taken);
    const bytes = this.#tornBytes === 0 ? head : Buffer.concat([...this.#torn, head]);
    this.#torn = [];
    this.#tornBytes = 0;
    if (taken < chunk.length) this.#keep(chunk.subarray(taken));
    return bytes;
  }

  /** `chunk` with the few bytes before it: searching only there keeps a frame of many chunks linear. */
  #seam(chunk: Buffer): Buffer {
    const last = this.#torn.at(-1);
    if (last === undefined) return chunk;
    if (last.length >= seamBytes) return Buffer.concat([last.subarray(-seamBytes), chunk]);
    return Buffer.concat([Buffer.concat(this.#torn.slice(-seamBytes)).subarray(-seamBytes), chunk]);
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return;
    this.#torn.push(rest);
    this.#tornBytes += rest.length;
    if (this.#tornBytes > this.#frameLimit) {
      throw new EconomizerError(
        'ECO_UPSTREAM_NOT_API',
        `The provider sent an event of more than ${this.#frameLimit} bytes; ask it for smaller ones.`,
      );
    }
  }
}

/** Offset just past the last complete frame in `buffer`; 0 where there is none. */
export function frameEnd(buffer: Uint8Array): number {
  const { length } = buffer;
  if (length < 2) return 0;
  if (buffer[length - 1] === lineFeed && buffer[length - 2] === lineFeed) return length;
  const bytes = asBuffer(buffer);
  if (!bytes.includes(carriageReturn)) {
    const found = bytes.lastIndexOf('\n\n');
    return found < 0 ? 0 : found + 2;
  }
  return lastBlankLine(bytes);
}

/** As `frameEnd`, for streams that write carriage returns: the end of the last line that holds nothing. */
function lastBlankLine(bytes: Buffer): number {
  for (let index = bytes.length - 1; index > 0; index--) {
    const byte = bytes[index];
    if (byte !== lineFeed && byte !== carriageReturn) continue;
    const pair = byte === lineFeed && bytes[index - 1] === carriageReturn;
    const before = bytes[index - (pair ? 2 : 1)];
    if (before === lineFeed || before === carriageReturn) return index + 1;
  }
  return 0;
}

/** Text of whole frames, told apart. */
function eventsOf(text: string): SseEvent[] {
  const events: SseEvent[] = [];
  const lines = text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text;
  let event: string | undefined;
  let data: string | undefined;
  for (let start = 0; start < lines.length;) {
    let end = lines.indexOf('\n', start);
    if (end < 0) end = lines.length;
    if (end === start) {
      if (data !== undefined) events.push({ event, data });
      event = undefined;
      data = undefined;
    } else if (lines.startsWith('data', start)) {
      const value = valueOf(lines, start + 4, end);
      if (value !== undefined) data = data === undefined ? value : `${data}\n${value}`;
    } else if (lines.startsWith('event', start)) {
      event = valueOf(lines, start + 5, end) ?? event;
    }
    start = end + 1;
  }
  return events;
}

/** The value of a line whose field name ends at `from`; undefined where the name goes on and is another field's. */
function valueOf(lines: string, from: number, end: number): string | undefined {
  if (from === end) return '';
  if (lines.charCodeAt(from) !== 0x3a) return undefined;
  const afterColon = from + 1;
  return lines.slice(lines.charCodeAt(afterColon) === 0x20 ? afterColon + 1 : afterColon, end);
}

/** The text of one event, with its closing blank line. */
export function sseText(event: SseEvent): string {
  const name = event.event === undefined ? '' : `event: ${event.event}\n`;
  return `${name}data: ${event.data.replaceAll('\n', '\ndata: ')}\n\n`;
}
