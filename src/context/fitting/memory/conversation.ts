import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { bodySpans, memberNamed, spansAfter, type BodySpans } from '../../../kernel/json-spans.ts';
import { ownBytes } from '../../../exchange/stream.ts';
import type { Span } from '../../../kernel/json-members.ts';
import type { ItemEdit } from '../edits/history-edits.ts';
import type { EditClass } from '../gate/plan.ts';
import { GroupCutter, type PairingRules } from '../turns/groups.ts';
import type { HistoryFault, Item } from '../turns/item.ts';

/** An item of a conversation, without its text. */
export interface KnownItem {
  readonly item: Omit<Item, 'text' | 'outputs'>;
  readonly bytes: number;
  /** Results that may be masked, and their characters. */
  readonly maskable: { readonly results: number; readonly characters: number };
  /** It holds a text that pins it: it is never edited. */
  readonly pinned: boolean;
  /** Its results were left out, or it was as a whole. */
  gone: boolean;
  /** Counted when first needed; undefined: only its bytes are known. */
  tokens: number | undefined;
  /** The same of what the edits take out of it. */
  removedTokens: number;
  /** A later item whose result is replaced by a reference to this one's. */
  referredBy: number | undefined;
}

/** Where a tool's result stands. */
export interface ResultPlace {
  readonly index: number;
  readonly call: string;
}

/** Edits that were made together, and what came of them. */
export interface Batch {
  readonly edits: EditClass;
  readonly atCall: number;
  readonly removedTokens: number;
  /** Tokens before the first byte that it changed. */
  readonly keptBefore: number;
  /** Pico-dollars. */
  readonly predicted: number;
  /** Nano-dollars, so far. */
  realised: number;
}

/** What the provider counted of the last call, and what it would have counted without our edits; input tokens. */
export interface ToldCall {
  readonly sent: number;
  readonly unedited: number;
}

/** All that is remembered of one conversation. */
export class Conversation {
  readonly bucket: string;
  readonly agent: string;
  readonly items: KnownItem[] = [];
  readonly edits = new Map<number, ItemEdit>();
  readonly batches: Batch[] = [];
  /** Where a tool's result stands for the first time, by its digest. */
  readonly results = new Map<string, ResultPlace>();
  groups: GroupCutter;
  /** The first item that cannot be read, and why. */
  unreadable: { readonly at: number; readonly why: HistoryFault } | undefined;
  /** Calls that were seen, and those of them that came after the provider's cache had gone cold. */
  calls = 0;
  coldCalls = 0;
  /** How often the model has spoken in the history: calls that were made, seen or not. */
  turns = 0;
  /** By what it begins with; names it after it was forgotten. */
  opening: string | undefined;
  /** When a conversation that begins so was last seen, before this one was remembered. */
  seenAt: number | undefined;
  /** When the latest call left, milliseconds since the epoch. */
  lastAt: number | undefined;
  told: ToldCall | undefined;
  /** Tokens of the call before that were not read at the latest call that broke nothing: what lies behind the last whole step of the provider's cache. */
  unread = 0;
  /** Whether the provider's prompt cache is used at all; undefined until it said so. */
  caches: boolean | undefined;
  /** Whether its prefix is held for the provider's longer time; undefined until looked at. */
  holdsLong: boolean | undefined;
  /** Of the items that were counted; what was not is taken to be like them. */
  countedBytes = 0;
  countedTokens = 0;
  /** Bytes of tools, instructions and whatever else is no item. */
  headBytes = 0;
  /** Output tokens of all calls. */
  output = 0;
  /** The body up to the end of its items. */
  #prefix: Buffer = nothing;
  #packed: Buffer | undefined;
  /** Its length and its last bytes, by which most others are told apart without unpacking it. */
  #length = 0;
  #ending: Buffer = nothing;
  #spans: BodySpans | undefined;

  readonly #rules: PairingRules;

  constructor(bucket: string, agent: string, rules: PairingRules) {
    this.bucket = bucket;
    this.agent = agent;
    this.#rules = rules;
    this.groups = new GroupCutter(rules);
  }

  /** Why this history is left as it is. */
  get fault(): HistoryFault | undefined {
    return this.unreadable?.why ?? this.groups.fault;
  }

  add(known: KnownItem): void {
    const { speaker } = known.item;
    if (speaker === 'assistant' && this.items.at(-1)?.item.speaker !== 'assistant') this.turns++;
    this.items.push(known);
    this.groups.add(known.item);
  }

  get isPacked(): boolean {
    return this.#packed !== undefined;
  }

  /** The bytes of the latest request up to the end of its items; empty while they are packed. */
  get prefix(): Buffer {
    return this.#prefix;
  }

  /** True where `body` begins with all the bytes of the latest request up to the end of its items. */
  isContinuedBy(body: Buffer): boolean {
    if (body.length < this.#length) return false;
    const from = this.#length - this.#ending.length;
    if (body.compare(this.#ending, 0, this.#ending.length, from, this.#length) !== 0) return false;
    const prefix = this.#packed === undefined ? this.#prefix : zstdDecompressSync(this.#packed);
    return body.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
  }

  /** What this conversation holds in memory, in bytes. */
  get size(): number {
    return (this.#packed ?? this.#prefix).length + this.items.length * itemBytes + fixedBytes;
  }

  /** Spans of a body that begins with all the bytes of the latest request up to the end of its items, or with so many of them. */
  spansOf(body: Buffer, same = this.#length): BodySpans {
    return this.#spans === undefined ? bodySpans(body) : spansAfter(this.#spans, same, body);
  }

  /** Where the items of the latest request lie; empty while it is packed. */
  latestItems(list: string): readonly Span[] {
    return (this.#spans && itemSpans(this.#spans, list)) ?? [];
  }

  /** Cuts the items into groups anew. */
  regroup(): void {
    this.groups = new GroupCutter(this.#rules);
    for (const { item } of this.items) this.groups.add(item);
  }

  /** Keeps the bytes of a request for the next one to be compared with. */
  keep(body: Buffer, spans: BodySpans, end: number): void {
    this.#prefix = ownBytes(body).subarray(0, end);
    this.#packed = undefined;
    this.#spans = spans;
    this.#length = end;
    this.#ending = this.#prefix.subarray(-endingBytes);
  }

  /** Compresses what is not needed until the next request: a conversation that pauses takes a fraction of its room. */
  pack(): void {
    if (this.#packed !== undefined) return;
    this.#packed = zstdCompressSync(this.#prefix);
    this.#ending = Buffer.from(this.#ending);
    this.#prefix = nothing;
    this.#spans = undefined;
  }

  /** A new conversation that has the first `count` items of this one, and what was done to them. */
  fork(count: number): Conversation {
    const other = new Conversation(this.bucket, this.agent, this.#rules);
    for (const each of this.items.slice(0, count)) {
      const isReferred = each.referredBy !== undefined && each.referredBy < count;
      other.add({ ...each, referredBy: isReferred ? each.referredBy : undefined });
    }
    for (const [index, edit] of this.edits) if (index < count) other.edits.set(index, edit);
    for (const [digest, place] of this.results) {
      if (place.index < count) other.results.set(digest, place);
    }
    if (this.unreadable !== undefined && this.unreadable.at < count) {
      other.unreadable = this.unreadable;
    }
    other.opening = this.opening;
    other.seenAt = this.lastAt;
    other.caches = this.caches;
    other.countedBytes = this.countedBytes;
    other.countedTokens = this.countedTokens;
    return other;
  }
}

const nothing = Buffer.alloc(0);
const endingBytes = 64;
/** About what the fields of an item take. */
const itemBytes = 400;
const fixedBytes = 2048;

/** The spans of a body's items; undefined where the member is no list. */
export function itemSpans(spans: BodySpans, list: string): readonly Span[] | undefined {
  return memberNamed(spans, list)?.items;
}
