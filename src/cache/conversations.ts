import { isUtf8 } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Hash } from 'node:crypto';
import type { Dialect, RequestFacts } from '../exchange/dialect.ts';
import { ownBytes } from '../exchange/stream.ts';
import { CanonicalForm } from '../kernel/canonical.ts';
import { growingDigest } from '../kernel/digest.ts';
import { scanJson } from '../kernel/json-scan.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { itemsForm, keyHead, keyTail, type BodyForm } from './key.ts';

/** What is known of a request once its body is recognised. */
export interface Recognised {
  readonly facts: RequestFacts;
  readonly key: string;
}

/** A body seen before, and where its conversation may go on. */
interface Turn {
  readonly bucket: string;
  readonly body: Buffer;
  /** Offset just past the last item of the growing list; undefined where it could not be placed for certain. */
  readonly itemsEnd: number | undefined;
  /** State of the key's hash up to where `pending` begins; the turns of a conversation share it, since copying it costs more than hashing a little again. */
  readonly digest: Hash;
  /** Forms of the items that `digest` has not seen. */
  readonly pending: string;
  readonly itemCount: number;
  /** The body's members but the growing one. */
  readonly others: JsonObject;
  readonly recognised: Recognised;
}

interface FirstTurn {
  readonly context: string;
  readonly dialect: Dialect;
  readonly body: Buffer;
  readonly value: JsonObject;
  readonly form: BodyForm;
  readonly facts: RequestFacts;
}

/** The bytes by which candidates are found; agents differ in their first message at the latest. */
const fingerprintBytes = 1024;
const turnsPerBucket = 24;
/** Letters that may wait before they are hashed for good. */
const pendingLength = 16_384;

/**
 * Recent bodies by their beginning. The next request of an agent is its last one plus a tail, so comparing the common part
 * (memcmp), extending a copied hash state and parsing the tail alone costs a hundredth of parsing 200 KB again.
 *
 * Exact by construction: the prefix ends right behind an item of the growing list and is byte-equal to one that was parsed
 * whole; the suffix is byte-equal too; the tail must parse as further items. Prefix + tail + suffix is then the old
 * body with items added, and nothing else.
 */
export class ConversationTable {
  readonly #buckets = new Map<string, Turn[]>();
  readonly #maxBytes: number;
  readonly #depth: number;
  #bytes = 0;

  constructor(maxBytes: number, depth: number) {
    this.#maxBytes = maxBytes;
    this.#depth = depth;
  }

  /** Facts and key of a body that equals or continues one seen before; undefined if none does. */
  find(context: string, dialect: Dialect, body: Buffer): Recognised | undefined {
    const turns = this.#buckets.get(bucketOf(context, body));
    if (turns === undefined) return undefined;
    let longest: Turn | undefined;
    for (const turn of turns) {
      if (turn.body.length === body.length && turn.body.equals(body)) {
        this.#touch(turn);
        return turn.recognised;
      }
      // Every earlier turn of a conversation is a prefix too; only one that is longer than the best so far is worth comparing.
      const isLonger = (turn.itemsEnd ?? 0) > (longest?.itemsEnd ?? 0);
      if (isLonger && turn.body.length < body.length && continues(turn, body)) longest = turn;
    }
    return longest === undefined ? undefined : this.#extend(longest, dialect, body);
  }

  /** Keeps a body that was parsed whole. */
  begin({ context, dialect, body, value, form, facts }: FirstTurn): Recognised {
    const digest = growingDigest().update(keyHead(context, form.rest)).update(form.items);
    const { [dialect.growing!]: grown, ...others } = value;
    const recognised = { facts, key: keyAfter(digest, '', form.itemCount) };
    this.#keep({
      bucket: bucketOf(context, body),
      body,
      itemsEnd: Array.isArray(grown) ? endOfItems(body, value, dialect.growing!) : undefined,
      digest,
      pending: '',
      itemCount: form.itemCount,
      others,
      recognised,
    });
    return recognised;
  }

  #extend(turn: Turn, dialect: Dialect, body: Buffer): Recognised | undefined {
    const suffixBytes = turn.body.length - turn.itemsEnd!;
    const itemsEnd = body.length - suffixBytes;
    const items = parseTail(body.subarray(turn.itemsEnd, itemsEnd), this.#depth);
    if (items === undefined) return undefined;
    const unhashed = turn.pending + items.form;
    const folds = unhashed.length > pendingLength;
    const digest = folds ? turn.digest.copy().update(unhashed) : turn.digest;
    const pending = folds ? '' : unhashed;
    const itemCount = turn.itemCount + items.values.length;
    const tail = dialect.requestFacts({ ...turn.others, [dialect.growing!]: items.values });
    const facts = { ...tail, bound: turn.recognised.facts.bound ?? tail.bound };
    const recognised = { facts, key: keyAfter(digest, pending, itemCount) };
    this.#keep({ ...turn, body, itemsEnd, digest, pending, itemCount, recognised });
    return recognised;
  }

  #keep(turn: Turn): void {
    if (turn.body.length > this.#maxBytes / 4) return;
    const turns = this.#buckets.get(turn.bucket) ?? [];
    this.#buckets.delete(turn.bucket); // behind the others: buckets are kept in order of use
    this.#buckets.set(turn.bucket, turns);
    turns.unshift({ ...turn, body: ownBytes(turn.body) });
    this.#bytes += sizeOf(turn);
    if (turns.length > turnsPerBucket) this.#bytes -= sizeOf(turns.pop()!);
    while (this.#bytes > this.#maxBytes) this.#dropOldest();
  }

  #touch(turn: Turn): void {
    const turns = this.#buckets.get(turn.bucket)!;
    if (turns[0] === turn) return;
    turns.splice(turns.indexOf(turn), 1);
    turns.unshift(turn);
  }

  #dropOldest(): void {
    const [bucket, turns] = this.#buckets.entries().next().value!;
    this.#bytes -= sizeOf(turns.pop()!);
    if (turns.length === 0) this.#buckets.delete(bucket);
  }
}

/** What a turn holds: its body, and the hash state and parsed members that it mostly shares with its conversation. */
function sizeOf(turn: Turn): number {
  return turn.body.length + 1024;
}

function keyAfter(digest: Hash, pending: string, itemCount: number): string {
  return digest
    .copy()
    .update(pending + keyTail(itemCount))
    .digest('base64url');
}

function bucketOf(context: string, body: Buffer): string {
  return context + crc32(body.subarray(0, fingerprintBytes));
}

function continues({ body: earlier, itemsEnd }: Turn, body: Buffer): boolean {
  const suffixBytes = earlier.length - itemsEnd!;
  const near = Math.max(0, itemsEnd! - 64);
  return (
    body.compare(earlier, itemsEnd, earlier.length, body.length - suffixBytes) === 0 &&
    // Conversations of one agent differ early or just at their end: a look there spares most of the long comparisons.
    body.compare(earlier, near, itemsEnd, near, itemsEnd) === 0 &&
    body.compare(earlier, 0, itemsEnd, 0, itemsEnd) === 0
  );
}

/** The items that a tail such as `,{...},{...}` adds, or undefined if it is no such thing. */
function parseTail(
  tail: Buffer,
  depth: number,
): { values: readonly JsonValue[]; form: string } | undefined {
  if (!isUtf8(tail)) return undefined;
  const values = parseList(`[0${tail.toString('utf8')}]`)?.slice(1);
  if (values === undefined || values.length === 0) return undefined;
  const scan = scanJson(tail);
  if (scan.longNumber || scan.depth + 2 > depth) return undefined;
  const canonical = new CanonicalForm();
  const form = itemsForm(canonical, values);
  return canonical.members === scan.members ? { values, form } : undefined;
}

function parseList(text: string): readonly JsonValue[] | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? (parsed as readonly JsonValue[]) : undefined;
  } catch {
    return undefined; // no continuation then; the whole body will be parsed and judged
  }
}

/**
 * The offset just past the last item of `body[growing]`, undefined unless certain.
 * The last item's text is searched from the end; the place is right if what follows closes the list and goes on with just those members
 * that come after the growing one. Inside a string the text cannot occur, since its quotes would be escaped.
 */
function endOfItems(body: Buffer, value: JsonObject, growing: string): number | undefined {
  const last = (value[growing] as readonly JsonValue[]).at(-1);
  if (typeof last !== 'object' || last === null) return undefined;
  const text = Buffer.from(JSON.stringify(last));
  const at = body.lastIndexOf(text);
  if (at < 0) return undefined;
  const end = at + text.length;
  const names = Object.keys(value);
  const after = names.slice(names.indexOf(growing) + 1);
  const rest = parseObject(`{"":[0${body.toString('utf8', end)}`);
  const found = rest === undefined ? undefined : Object.keys(rest).slice(1);
  const closes = rest !== undefined && Array.isArray(rest['']) && rest[''].length === 1;
  return closes && found?.join('\n') === after.join('\n') ? end : undefined;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined; // the place was wrong
  }
}
