import type { Dialect, DialectName, RequestFacts } from '../exchange/dialect.ts';
import { firstSpend, nextSpend } from '../exchange/spend.ts';
import { ownBytes } from '../exchange/stream.ts';
import { noSteps, type ToolSteps } from '../exchange/tool-steps.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { emptyChain, extendChain } from './item-chain.ts';
import { keyOf, type BodyForm } from './key.ts';
import { endOfList, parseTail } from './list-tail.ts';
import { Stretch, type Frame, type Mark, type Recognised } from './stretch.ts';

export interface FirstTurn {
  readonly bucket: string;
  readonly context: string;
  readonly dialect: Dialect;
  readonly body: Buffer;
  readonly value: JsonObject;
  readonly form: BodyForm;
  readonly facts: RequestFacts;
}

/** Reads the tool calls of the items that a turn adds. */
export type ReadSteps = (
  before: ToolSteps,
  dialect: DialectName,
  items: readonly JsonValue[],
) => ToolSteps;

/** A place in a tree that a body reaches. */
interface Reached {
  readonly stretch: Stretch;
  readonly mark: Mark;
}

/** Trees that begin alike, and branches from one place; beyond it the oldest goes. */
const siblingsMax = 24;

/**
 * Recent bodies as trees, found by their beginning. The next request of an agent is its last one plus a tail, so comparing the
 * common part (memcmp), parsing the tail and hashing it to what was hashed before costs a hundredth of parsing 200 KB again.
 *
 * Exact by construction: the prefix ends right behind an item of the growing list and is byte-equal to one that was parsed
 * whole; the suffix is byte-equal too; the tail must parse as further items. Prefix + tail + suffix is then the old
 * body with items added, and nothing else.
 */
export class ConversationTable {
  readonly #trees = new Map<string, Stretch[]>();
  readonly #maxBytes: number;
  readonly #depth: number;
  readonly #readSteps: ReadSteps;
  #bytes = 0;
  #newest: Stretch | undefined;
  #oldest: Stretch | undefined;

  constructor(maxBytes: number, depth: number, readSteps: ReadSteps) {
    this.#maxBytes = maxBytes;
    this.#depth = depth;
    this.#readSteps = readSteps;
  }

  /**
   * Facts and key of a body that equals or continues one seen before; undefined if none does.
   * @param bucket names the context and the body's beginning: bodies of one conversation have the same.
   */
  find(bucket: string, context: string, dialect: Dialect, body: Buffer): Recognised | undefined {
    let furthest: Reached | undefined;
    for (const tree of this.#trees.get(bucket) ?? []) {
      const { suffix } = tree.frame;
      if (body.compare(suffix, 0, suffix.length, body.length - suffix.length) !== 0) continue;
      const reached = reach(tree, body);
      if (reached !== undefined && reached.mark.end > (furthest?.mark.end ?? 0)) furthest = reached;
    }
    if (furthest === undefined) return undefined;
    const { stretch, mark } = furthest;
    this.#touch(stretch);
    const { suffix, rest } = stretch.frame;
    if (mark.end + suffix.length < body.length) {
      return this.#extend(furthest, context, dialect, body);
    }
    mark.key ??= keyOf(context, rest, mark.items);
    return { facts: mark.facts, key: mark.key, steps: mark.steps, count: mark.items.count };
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
    const all = Array.isArray(list) ? (list as readonly JsonValue[]) : [];
    const stepsBefore = this.#readSteps(noSteps, dialect.name, all.slice(0, -1));
    const steps = this.#readSteps(stepsBefore, dialect.name, all.slice(-1));
    if (end === undefined || body.length > this.#maxBytes / 4)
      return { facts, key, steps, count: items.count };
    let previous: Mark | undefined;
    if (end.before !== undefined) {
      // Where only the last message differs (an evaluation, a fan-out), the next body goes on from here.
      const earlier = { ...others, [growing]: all.slice(0, -1) };
      const read = dialect.requestFacts(earlier);
      const bytes = end.before + (body.length - end.last);
      const spend = facts.spend && firstSpend(dialect.spendTerms(earlier), bytes);
      previous = {
        end: end.before,
        items: before,
        facts: { ...read, spend },
        steps: stepsBefore,
        key: undefined,
      };
    }
    const frame: Frame = {
      bucket,
      others,
      rest: form.rest,
      suffix: ownBytes(body.subarray(end.last)),
    };
    const last: Mark = { end: end.last, items, facts, steps, key };
    const bytes = body.subarray(0, end.last);
    this.#add(new Stretch({ frame, parent: undefined, bytes, previous, last }));
    return { facts, key, steps, count: items.count };
  }

  #extend(from: Reached, context: string, dialect: Dialect, body: Buffer): Recognised | undefined {
    const { stretch, mark } = from;
    const { others, rest, suffix } = stretch.frame;
    const end = body.length - suffix.length;
    const tail = parseTail(body.subarray(mark.end, end), this.#depth);
    if (tail === undefined) return undefined;
    const items = extendChain(mark.items, tail.forms);
    const added = { ...others, [dialect.growing!]: tail.values };
    const read = dialect.requestFacts(added);
    const before = mark.facts.spend;
    const spend = before && nextSpend(before, dialect.spendTerms(added), body.length);
    const facts = { ...read, bound: mark.facts.bound ?? read.bound, spend };
    const key = keyOf(context, rest, items);
    const steps = this.#readSteps(mark.steps, dialect.name, tail.values);
    this.#keep(from, body, { end, items, facts, steps, key });
    return { facts, key, steps, count: items.count };
  }

  #keep({ stretch, mark }: Reached, body: Buffer, next: Mark): void {
    this.#bytes -= stretch.size;
    if (stretch.last === mark && stretch.children.length === 0) {
      stretch.grow(body, next);
      this.#bytes += stretch.size;
      this.#shrink();
      return;
    }
    if (stretch.last !== mark) {
      const child = stretch.split();
      this.#bytes += child.size;
      // Used before its parent, since what is least used must not have children.
      this.#linkBehind(child, stretch);
    }
    this.#bytes += stretch.size;
    const bytes = body.subarray(mark.end, next.end);
    this.#add(new Stretch({ frame: stretch.frame, parent: stretch, bytes, last: next }));
  }

  #add(stretch: Stretch): void {
    const siblings = stretch.parent?.children ?? this.#treesOf(stretch.frame.bucket);
    siblings.unshift(stretch);
    this.#bytes += stretch.size;
    this.#link(stretch);
    if (stretch.parent !== undefined) this.#touch(stretch.parent);
    if (siblings.length > siblingsMax) this.#drop(siblings.at(-1)!);
    this.#shrink();
  }

  #treesOf(bucket: string): Stretch[] {
    const trees = this.#trees.get(bucket) ?? [];
    this.#trees.set(bucket, trees);
    return trees;
  }

  /** Marks a stretch and all it goes on from as just used, so that the least used never has others that go on from it. */
  #touch(stretch: Stretch): void {
    for (let each: Stretch | undefined = stretch; each !== undefined; each = each.parent) {
      this.#unlink(each);
      this.#link(each);
    }
  }

  #shrink(): void {
    while (this.#bytes > this.#maxBytes && this.#oldest !== undefined) this.#drop(this.#oldest);
  }

  /** Drops a stretch and all that goes on from it. */
  #drop(stretch: Stretch): void {
    for (const child of stretch.children.slice()) this.#drop(child);
    const { bucket } = stretch.frame;
    const siblings = stretch.parent?.children ?? this.#treesOf(bucket);
    siblings.splice(siblings.indexOf(stretch), 1);
    if (stretch.parent === undefined && siblings.length === 0) this.#trees.delete(bucket);
    this.#bytes -= stretch.size;
    this.#unlink(stretch);
  }

  #link(stretch: Stretch): void {
    stretch.older = this.#newest;
    stretch.newer = undefined;
    if (this.#newest !== undefined) this.#newest.newer = stretch;
    this.#newest = stretch;
    this.#oldest ??= stretch;
  }

  #linkBehind(stretch: Stretch, newer: Stretch): void {
    stretch.newer = newer;
    stretch.older = newer.older;
    if (newer.older === undefined) this.#oldest = stretch;
    else newer.older.newer = stretch;
    newer.older = stretch;
  }

  #unlink(stretch: Stretch): void {
    const { older, newer } = stretch;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}

/** The furthest place in the tree that `body` reaches with the same bytes. */
function reach(tree: Stretch, body: Buffer): Reached | undefined {
  let stretch = tree;
  let mark = stretch.markIn(body);
  if (mark === undefined) return undefined;
  for (;;) {
    if (mark !== stretch.last) return { stretch, mark };
    const next = stretch.children.find((child) => child.markIn(body) !== undefined);
    if (next === undefined) return { stretch, mark };
    stretch = next;
    mark = next.markIn(body)!;
  }
}
