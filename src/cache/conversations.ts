import type { Dialect, RequestFacts } from '../exchange/dialect.ts';
import { ownBytes } from '../exchange/stream.ts';
import type { JsonObject } from '../kernel/json.ts';
import { emptyChain, extendChain } from './item-chain.ts';
import { keyOf, type BodyForm } from './key.ts';
import { endOfList, parseTail } from './list-tail.ts';
import { Turn, type Frame, type Recognised } from './turn.ts';

export interface FirstTurn {
  readonly bucket: string;
  readonly context: string;
  readonly dialect: Dialect;
  readonly body: Buffer;
  readonly value: JsonObject;
  readonly form: BodyForm;
  readonly facts: RequestFacts;
}

/** Trees that begin alike, and branches of one turn; beyond it the least used goes. */
const siblingsMax = 24;

/**
 * Recent bodies as trees of turns, found by their beginning. The next request of an agent is its last one plus a tail, so comparing the
 * common part (memcmp), parsing the tail and hashing it to what was hashed before costs a hundredth of parsing 200 KB again.
 *
 * Exact by construction: the prefix ends right behind an item of the growing list and is byte-equal to one that was parsed
 * whole; the suffix is byte-equal too; the tail must parse as further items. Prefix + tail + suffix is then the old
 * body with items added, and nothing else.
 */
export class ConversationTable {
  readonly #trees = new Map<string, Turn[]>();
  readonly #maxBytes: number;
  readonly #depth: number;
  #bytes = 0;
  #newest: Turn | undefined;
  #oldest: Turn | undefined;

  constructor(maxBytes: number, depth: number) {
    this.#maxBytes = maxBytes;
    this.#depth = depth;
  }

  /**
   * Facts and key of a body that equals or continues one seen before; undefined if none does.
   * @param bucket names the context and the body's beginning: bodies of one conversation have the same.
   */
  find(bucket: string, context: string, dialect: Dialect, body: Buffer): Recognised | undefined {
    let longest: Turn | undefined;
    for (const tree of this.#trees.get(bucket) ?? []) {
      const { suffix } = tree.frame;
      if (body.compare(suffix, 0, suffix.length, body.length - suffix.length) !== 0) continue;
      const turn = tree.match(body);
      if (turn !== undefined && turn.end > (longest?.end ?? 0)) longest = turn;
    }
    if (longest === undefined) return undefined;
    this.#touch(longest);
    if (longest.end + longest.frame.suffix.length < body.length) {
      return this.#extend(longest, context, dialect, body);
    }
    longest.key ??= keyOf(context, longest.frame.rest, longest.items);
    return { facts: longest.facts, key: longest.key };
  }

  /** Keeps a body that was parsed whole. */
  begin(first: FirstTurn): Recognised {
    const { bucket, context, dialect, body, value, form, facts } = first;
    const growing = dialect.growing!;
    const before = extendChain(emptyChain, form.items.slice(0, -1));
    const items = extendChain(before, form.items.slice(-1));
    const key = keyOf(context, form.rest, items);
    const { [growing]: list, ...others } = value;
    const end = Array.isArray(list) ? endOfList(body, value, growing) : undefined;
    if (end === undefined || body.length > this.#maxBytes / 4) return { facts, key };
    const suffix = ownBytes(body.subarray(end.last));
    const frame: Frame = { bucket, others, rest: form.rest, suffix };
    let parent: Turn | undefined;
    if (end.before !== undefined) {
      // Where only the last message differs (an evaluation, a fan-out), the next body goes on from here.
      const earlier = { ...others, [growing]: (list as readonly []).slice(0, -1) };
      const bytes = body.subarray(0, end.before);
      const facts = dialect.requestFacts(earlier);
      parent = this.#add({ frame, parent: undefined, bytes, items: before, facts, key: undefined });
    }
    const bytes = body.subarray(parent?.end ?? 0, end.last);
    this.#add({ frame, parent, bytes, items, facts, key });
    this.#shrink();
    return { facts, key };
  }

  #extend(turn: Turn, context: string, dialect: Dialect, body: Buffer): Recognised | undefined {
    const { others, rest, suffix } = turn.frame;
    const bytes = body.subarray(turn.end, body.length - suffix.length);
    const tail = parseTail(bytes, this.#depth);
    if (tail === undefined) return undefined;
    const items = extendChain(turn.items, tail.forms);
    const read = dialect.requestFacts({ ...others, [dialect.growing!]: tail.values });
    const facts = { ...read, bound: turn.facts.bound ?? read.bound };
    const key = keyOf(context, rest, items);
    this.#shorten(turn);
    this.#add({ frame: turn.frame, parent: turn, bytes, items, facts, key });
    this.#shrink();
    return { facts, key };
  }

  #add(options: ConstructorParameters<typeof Turn>[0]): Turn {
    const turn = new Turn({ ...options, bytes: ownBytes(options.bytes) });
    const siblings = turn.parent?.children ?? this.#treesOf(turn.frame.bucket);
    siblings.unshift(turn);
    this.#bytes += turn.size;
    this.#link(turn);
    if (turn.parent !== undefined) this.#touch(turn.parent);
    if (siblings.length > siblingsMax) this.#dropTree(siblings.at(-1)!);
    return turn;
  }

  #shorten(turn: Turn): void {
    this.#bytes -= turn.size;
    const gone = turn.absorb();
    this.#bytes += turn.size;
    for (const each of gone) this.#forget(each);
    const top = gone.at(-1);
    if (top === undefined || turn.parent !== undefined) return;
    const trees = this.#treesOf(turn.frame.bucket);
    trees[trees.indexOf(top)] = turn;
  }

  #treesOf(bucket: string): Turn[] {
    const trees = this.#trees.get(bucket) ?? [];
    this.#trees.set(bucket, trees);
    return trees;
  }

  /** Marks a turn and all it goes on from as just used, so that the least used turn never has others that go on from it. */
  #touch(turn: Turn): void {
    for (let each: Turn | undefined = turn; each !== undefined; each = each.parent) {
      this.#unlink(each);
      this.#link(each);
    }
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes && this.#oldest !== undefined) this.#dropTree(this.#oldest);
  }

  #dropTree(turn: Turn): void {
    for (const child of turn.children.slice()) this.#dropTree(child);
    const { bucket } = turn.frame;
    const siblings = turn.parent?.children ?? this.#treesOf(bucket);
    siblings.splice(siblings.indexOf(turn), 1);
    if (turn.parent === undefined && siblings.length === 0) this.#trees.delete(bucket);
    this.#forget(turn);
  }

  #forget(turn: Turn): void {
    this.#bytes -= turn.size;
    this.#unlink(turn);
  }

  #link(turn: Turn): void {
    turn.older = this.#newest;
    turn.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = turn;
    this.#newest = turn;
    this.#oldest ??= turn;
  }

  #unlink(turn: Turn): void {
    const { older, newer } = turn;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}

