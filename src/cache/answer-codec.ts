import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Answer } from '../exchange/answer.ts';
import { asBuffer, type Bytes } from '../exchange/stream.ts';
import { usageClasses, type Usage, type UsageSource } from '../exchange/usage.ts';
import { FieldReader, FieldWriter } from './binary-fields.ts';
import type { CacheEntry, EntryLabels } from './tier.ts';

/** Entries of another version are misses; raise it with every change of the form below. */
const version = 2;
const checksumAt = 1;
const fieldsAt = 5;

/** Their place is their number on disk: add at the end, never reorder. */
const dialects: readonly Answer['dialect'][] = [
  'openai-chat',
  'openai-responses',
  'openai-completions',
  'openai-embeddings',
  'anthropic-messages',
  'anthropic-count-tokens',
  'tool-result',
];
const usageSources: readonly (UsageSource | undefined)[] = [undefined, 'provider', 'estimated'];

/**
 * An entry as persistent tiers keep it: `head` holds all that is small, `body` the answer itself: final message, then frames. Kept
 * apart so that equal bodies can be stored once. The key is the tier's own business.
 */
export interface EncodedEntry {
  readonly head: Buffer;
  readonly body: Buffer;
}

/** For packing one at a time: fresh memory for each would be most of the cost. */
const packing = new FieldWriter();
/** Length of the head (4 bytes), then the head: version (1 byte), checksum (4 bytes), fields. Then the body. */
const headAt = 4;

/** What is said of how an entry is kept: the first byte of its fields, so that a writer need read no more. */
const flags = { packed: 1, plain: 2, alone: 4, isCompressed: 8 } as const;
/** Below, unpacking at each hit would cost more than the memory is worth. */
const compressedFrom = 16 * 1024;
const compression = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** How the writer of a file is to keep an entry, by its head. */
export function storageOf(head: Buffer): { readonly plain: boolean; readonly alone: boolean } {
  const said = head[fieldsAt]!;
  return { plain: (said & flags.plain) !== 0, alone: (said & flags.alone) !== 0 };
}

/** As `packEntry`, with a large body compressed where the entry asks for it. Unpacking it costs some 20 us for 20 KB, so nobody should do it twice. */
export function packCompressed(entry: CacheEntry): Buffer<ArrayBuffer> {
  const { final, frames } = entry.answer;
  const size = final.byteLength + (frames?.byteLength ?? 0);
  if (entry.storage !== 'packed' || size < compressedFrom) return packEntry(entry);
  const { head, body } = partsOf(packEntry(entry));
  const bytes = zstdCompressSync(body, compression);
  if (bytes.length > 0.9 * body.length) return packEntry(entry);
  const packed = Buffer.allocUnsafeSlow(headAt + head.length + bytes.length);
  packed.writeUInt32LE(head.length, 0);
  head.copy(packed, headAt);
  packed[headAt + fieldsAt]! |= flags.isCompressed;
  bytes.copy(packed, headAt + head.length);
  return packed;
}

/** True for what `packCompressed` compressed: unpacked, its bytes are no views into it. */
export function isCompressed(packed: Buffer): boolean {
  return (packed[headAt + fieldsAt]! & flags.isCompressed) !== 0;
}

/** What a packed entry is called, without its body. */
export function packedLabels(packed: Buffer): EntryLabels {
  const { storedAt, tags = [], epoch } = readEntry('', partsOf(packed).head, noBody)!;
  return { storedAt, tags, epoch };
}

/**
 * An entry in one run of bytes of exactly its size: some thirty small objects would each be copied, and then marked again and again, by
 * the garbage collector. Nothing of the entry is shared.
 */
export function packEntry(entry: CacheEntry): Buffer<ArrayBuffer> {
  const { final, frames } = entry.answer;
  packing.restart(headAt + fieldsAt);
  writeFields(packing, entry);
  const head = packing.bytes();
  const size = head.length + final.byteLength + (frames?.byteLength ?? 0);
  const packed = Buffer.allocUnsafeSlow(size);
  head.copy(packed);
  packed.set(final, head.length);
  if (frames !== undefined) packed.set(frames, head.length + final.byteLength);
  packed.writeUInt32LE(head.length - headAt, 0);
  return packed;
}

/**
 * The entry again, its bytes views into `packed`, which never left this process.
 * @param apart the body, where `packed` has none.
 */
export function unpackEntry(key: string, packed: Buffer, apart?: Buffer): CacheEntry {
  const { head, body } = partsOf(packed);
  const bytes = apart ?? body;
  return readEntry(key, head, isCompressed(packed) ? zstdDecompressSync(bytes) : bytes)!;
}

/** The body of a packed entry, compressed or not: a view into it. */
export function packedBody(packed: Buffer): Buffer {
  return partsOf(packed).body;
}

/** A packed entry without its body, in bytes of its own. */
export function withoutBody(packed: Buffer): Buffer {
  const head = Buffer.allocUnsafeSlow(headAt + packed.readUInt32LE(0));
  packed.copy(head, 0, 0, head.length);
  return head;
}

/** Head and body of a packed entry, views into it, with version and checksum (CRC-32 of the fields and of the body) for the way to a disk. */
export function sealEntry(packed: Buffer): EncodedEntry {
  const { head, body } = partsOf(packed);
  head[0] = version;
  head.writeUInt32LE(crc32(body, crc32(head.subarray(fieldsAt))), checksumAt);
  return { head, body };
}

export function encodeEntry(entry: CacheEntry): EncodedEntry {
  return sealEntry(packEntry(entry));
}

/** The entry again, its bytes views into `body`; undefined if what was kept is damaged or of another version. */
export function decodeEntry(key: string, head: Bytes, body: Bytes): CacheEntry | undefined {
  if (head.byteLength <= fieldsAt || head[0] !== version) return undefined;
  const bytes = asBuffer(head);
  const checksum = crc32(body, crc32(bytes.subarray(fieldsAt)));
  return checksum === bytes.readUInt32LE(checksumAt) ? readEntry(key, bytes, body) : undefined;
}

function partsOf(packed: Buffer): EncodedEntry {
  const headEnd = headAt + packed.readUInt32LE(0);
  return { head: packed.subarray(headAt, headEnd), body: packed.subarray(headEnd) };
}

function writeFields(fields: FieldWriter, entry: CacheEntry): void {
  const { answer, storage, alone } = entry;
  const kept = storage === undefined ? 0 : flags[storage];
  fields.count(kept | (alone === true ? flags.alone : 0));
  fields.count(dialects.indexOf(answer.dialect));
  fields.double(entry.storedAt);
  fields.double(entry.freshUntil);
  fields.double(entry.staleUntil);
  fields.double(answer.firstByteMs);
  fields.double(answer.totalMs);
  fields.count(answer.final.byteLength);
  fields.count(answer.frames === undefined ? 0 : answer.frames.byteLength + 1);
  fields.optionalText(answer.model);
  fields.optionalText(answer.serviceTier);
  fields.count(usageSources.indexOf(answer.usageSource));
  writeUsage(fields, answer.usage);
  fields.count(answer.headers.length);
  for (const each of answer.headers) fields.text(each);
  fields.count(entry.tags?.length ?? 0);
  for (const each of entry.tags ?? []) fields.text(each);
  fields.optionalDouble(entry.worthNanos);
  fields.optionalDouble(entry.epoch);
  fields.count(answer.status ?? 0);
}

function readEntry(key: string, head: Buffer, body: Bytes): CacheEntry | undefined {
  const fields = new FieldReader(head, fieldsAt);
  const said = fields.count();
  const dialect = dialects[fields.count()];
  const [storedAt, freshUntil, staleUntil] = [fields.double(), fields.double(), fields.double()];
  const firstByteMs = fields.double();
  const totalMs = fields.double();
  const finalLength = fields.count();
  const framesLength = fields.count() - 1;
  if (dialect === undefined) return undefined;
  const read = {
    dialect,
    firstByteMs,
    totalMs,
    final: framesLength < 0 ? body : body.subarray(0, finalLength),
    frames: framesLength < 0 ? undefined : body.subarray(finalLength),
    model: fields.optionalText(),
    serviceTier: fields.optionalText(),
    usageSource: usageSources[fields.count()],
    usage: readUsage(fields),
    headers: fields.texts(),
  } satisfies Answer;
  const tags = fields.texts();
  const worthNanos = fields.optionalDouble();
  const epoch = fields.optionalDouble();
  const status = fields.count();
  const answer: Answer = status === 0 ? read : { ...read, status };
  const entry = { key, answer, storedAt, freshUntil, staleUntil, tags, worthNanos, epoch };
  return said === 0 ? entry : { ...entry, ...storageSaid(said) };
}

function storageSaid(said: number): Pick<CacheEntry, 'storage' | 'alone'> {
  const packed = (said & flags.packed) !== 0 ? ({ storage: 'packed' } as const) : {};
  const plain = (said & flags.plain) !== 0 ? ({ storage: 'plain' } as const) : {};
  return { ...packed, ...plain, ...((said & flags.alone) !== 0 ? { alone: true } : {}) };
}

/** What a sweep must know of an entry, without its body: the end of its head. Undefined where the head is damaged or of another version. */
export function labelsOf(head: Bytes): EntryLabels | undefined {
  if (head.byteLength <= fieldsAt || head[0] !== version) return undefined;
  try {
    const { storedAt, tags = [], epoch } = readEntry('', asBuffer(head), noBody) ?? {};
    return storedAt === undefined ? undefined : { storedAt, tags, epoch };
  } catch {
    return undefined; // nobody will be served it: whoever reads it sees its checksum
  }
}

const noBody = new Uint8Array();

/** Most classes of most answers are zero: a set of bits says which follow. */
function writeUsage(fields: FieldWriter, usage: Usage | undefined): void {
  if (usage === undefined) {
    fields.count(0);
    return;
  }
  let present = 1;
  for (const [index, name] of usageClasses.entries()) if (usage[name] !== 0) present |= 2 << index;
  fields.count(present);
  for (const name of usageClasses) if (usage[name] !== 0) fields.double(usage[name]);
}

function readUsage(fields: FieldReader): Usage | undefined {
  const present = fields.count();
  if (present === 0) return undefined;
  const class_ = (index: number): number => ((present & (2 << index)) === 0 ? 0 : fields.double());
  return {
    fresh: class_(0),
    cacheRead: class_(1),
    cacheWrite5m: class_(2),
    cacheWrite1h: class_(3),
    output: class_(4),
    reasoning: class_(5),
    audioInput: class_(6),
    audioOutput: class_(7),
    webSearches: class_(8),
  };
}
