import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { splitFrames } from '../frames.ts';
import { frameEnd, SseParser } from '../sse.ts';
import { asBuffer } from '../stream.ts';
import {
  afterSpace,
  beforeSpace,
  endOfValue,
  memberSpan,
  type Span,
} from '../../kernel/json-members.ts';
import { isUsageChunk } from './openai-chunks.ts';

/**
 * The request `body` with its stream asked to bring its usage; every byte that need not change stays.
 * @param parsed the body parsed, or at least its `stream_options`.
 */
export function askForUsage(body: Uint8Array, parsed: JsonObject): Uint8Array {
  const text = asBuffer(body);
  const open = text.indexOf('{');
  const options = parsed['stream_options'];
  if (options === undefined) {
    const close = text.lastIndexOf('}');
    const first = afterSpace(text, open + 1) === close;
    const member = '"stream_options":{"include_usage":true}';
    return spliced(text, { start: close, end: close }, first ? member : `,${member}`);
  }
  const span = memberSpan(text, open, 'stream_options');
  if (span === undefined || !mayAsk(options)) return body;
  if (!isObject(options)) return spliced(text, span, '{"include_usage":true}');
  const asked = memberSpan(text, span.start, 'include_usage');
  if (asked !== undefined) return spliced(text, asked, 'true');
  const inside = span.start + 1;
  const first = afterSpace(text, inside) === span.end - 1;
  const member = '"include_usage":true';
  return spliced(text, { start: inside, end: inside }, first ? member : `${member},`);
}

/** What is of a wrong type stays, so that the provider can say so. */
function mayAsk(options: JsonValue | undefined): boolean {
  if (!isObject(options)) return options === null;
  const asked = options['include_usage'] ?? false;
  return typeof asked === 'boolean';
}

function spliced(text: Buffer, span: Span, put: string): Buffer {
  return Buffer.concat([text.subarray(0, span.start), Buffer.from(put), text.subarray(span.end)]);
}

const nothing = Buffer.alloc(0);
const usageName = Buffer.from('"usage"');
const lineFeed = 0x0a;
const quote = 0x22;
const letterU = 0x75;
const letterN = 0x6e;

/**
 * Takes the usage out of an OpenAI stream that was asked for it on the caller's behalf: the chunk that brings only
 * usage, and the `"usage":null` of all others. What is left is what the provider would have sent unasked.
 */
export class UsageStripper {
  #torn: Buffer = nothing;

  /** The bytes that may go on to the caller after `chunk`: whole frames, perhaps none. */
  push(chunk: Uint8Array): Uint8Array {
    const bytes =
      this.#torn.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#torn, asBuffer(chunk)]);
    const end = frameEnd(bytes);
    this.#torn = bytes.subarray(end);
    return stripped(bytes.subarray(0, end));
  }

  /** What is left at the end of the stream: a torn frame, as it came. */
  finish(): Uint8Array {
    const rest = this.#torn;
    this.#torn = nothing;
    return rest;
  }
}

/** Whole frames without their usage. */
function stripped(frames: Buffer): Buffer {
  // The usual case: a chunk is one frame, and that one line.
  if (frames.indexOf(lineFeed) === frames.length - 2) return strippedFrame(frames);
  return frames.includes(usageName)
    ? Buffer.concat(splitFrames(frames).map(strippedFrame))
    : frames;
}

/** A frame without its usage: shorter, empty, or as it came where its usage belongs to a choice. */
function strippedFrame(frame: Buffer): Buffer {
  const member = usageMember(frame);
  if (member === undefined) return frame;
  if (frame[member.valueStart] === letterN) {
    return Buffer.concat([frame.subarray(0, member.start), frame.subarray(member.end)]);
  }
  return new SseParser().push(frame).some(isUsageChunk) ? nothing : frame;
}

interface UsageMember extends Span {
  readonly valueStart: number;
}

/** The outermost `usage` member of a frame's data, with the comma that goes with it. It stands near the end, so it is sought from there. */
function usageMember(frame: Buffer): UsageMember | undefined {
  for (let at = nameBefore(frame, frame.length); at >= 0; at = nameBefore(frame, at)) {
    const colon = afterSpace(frame, at + usageName.length);
    const comma = beforeSpace(frame, at) - 1;
    const isName = frame[colon] === 0x3a && (frame[comma] === 0x2c || frame[comma] === 0x7b);
    if (!isName) continue;
    const valueStart = afterSpace(frame, colon + 1);
    const end = endOfValue(frame, valueStart);
    if (!isOutermost(frame, end)) continue;
    if (frame[comma] === 0x2c) return { start: comma, end, valueStart };
    // The first member: its comma stands behind it.
    const next = afterSpace(frame, end);
    return { start: at, end: frame[next] === 0x2c ? afterSpace(frame, next + 1) : end, valueStart };
  }
  return undefined;
}

/** Where the last `"usage"` before `end` begins, or -1. */
function nameBefore(frame: Buffer, end: number): number {
  // A loop over the last bytes of a short frame is cheaper than a call into the machine's search.
  const loopTo = Math.max(0, end - 512);
  for (let at = end - usageName.length; at >= loopTo; at--) {
    if (frame[at] === quote && frame[at + 1] === letterU && isNameAt(frame, at)) return at;
  }
  return loopTo === 0 ? -1 : frame.lastIndexOf(usageName, loopTo);
}

function isNameAt(frame: Buffer, at: number): boolean {
  for (let index = 0; index < usageName.length; index++) {
    if (frame[at + index] !== usageName[index]) return false;
  }
  return true;
}

/** True where only the end of the outermost object is still open at `from`; looks at the short rest, not at the content before. */
function isOutermost(frame: Buffer, from: number): boolean {
  for (let at = from; at < frame.length;) {
    const byte = frame[at];
    if (byte === 0x7d) return frame.indexOf('}', at + 1) < 0;
    if (byte === 0x5d) return false;
    at = byte === 0x2c ? at + 1 : Math.max(at + 1, endOfMember(frame, at));
  }
  return false;
}

/** The byte after the member, or the white space, that begins at `at`. */
function endOfMember(frame: Buffer, at: number): number {
  const start = afterSpace(frame, at);
  return start > at ? start : endOfValue(frame, start);
}
