import type { JsonObject } from '../kernel/json.ts';
import type { RequestFacts } from '../exchange/dialect.ts';
import type { ItemChain } from './item-chain.ts';

/** What is known of a request once its body is recognised. */
export interface Recognised {
  readonly facts: RequestFacts;
  readonly key: string;
}

/** What all bodies of a conversation have in common beside their list. */
export interface Frame {
  readonly bucket: string;
  /** The body's members but the growing one, and their form for the key. */
  readonly others: JsonObject;
  readonly rest: string;
  /** The bytes behind the growing list's last item. */
  readonly suffix: Buffer;
}

/** What a turn object takes beside its bytes, about. */
const overheadBytes = 700;
/** A chain of turns is walked with a comparison each; past this length it is made one. */
const chainMax = 8;

/**
 * What one request added to the one before: a stretch of bytes that ends with an item of the growing list. Turns form a tree: who goes on
 * from the same place differently (a retry, a fan-out, another user of the same agent) stands beside. Each byte is kept once.
 */
export class Turn {
  readonly frame: Frame;
  /** Offset just past the last item. */
  readonly end: number;
  readonly items: ItemChain;
  /** Of the body that ends with this turn; its key is undefined where no such body was seen. */
  readonly facts: RequestFacts;
  key: string | undefined;
  parent: Turn | undefined;
  bytes: Buffer;
  children: Turn[] = [];
  /** Neighbours in the order of use. */
  newer: Turn | undefined = undefined;
  older: Turn | undefined = undefined;

  constructor(options: {
    readonly frame: Frame;
    readonly parent: Turn | undefined;
    readonly bytes: Buffer;
    readonly items: ItemChain;
    readonly facts: RequestFacts;
    readonly key: string | undefined;
  }) {
    this.frame = options.frame;
    this.parent = options.parent;
    this.bytes = options.bytes;
    this.items = options.items;
    this.facts = options.facts;
    this.key = options.key;
    this.end = (options.parent?.end ?? 0) + options.bytes.length;
  }

  get size(): number {
    return this.bytes.length + overheadBytes;
  }

  /** The longest way along this turn and its children that `body` begins with; undefined where not even this turn's own bytes fit. */
  match(body: Buffer): Turn | undefined {
    if (!this.#fits(body)) return undefined;
    let turn: Turn = this; // oxlint-disable-line typescript/no-this-alias -- a walk begins somewhere
    for (;;) {
      const next = turn.children.find((child) => child.#fits(body));
      if (next === undefined) return turn;
      turn = next;
    }
  }

  #fits(body: Buffer): boolean {
    const { bytes, end, frame } = this;
    if (end + frame.suffix.length > body.length) return false;
    return body.compare(bytes, 0, bytes.length, end - bytes.length, end) === 0;
  }

  /**
   * Takes the bytes of its ancestors into its own where the way to the last fork is long. Those ancestors are then of no use to others.
   * @returns the ancestors that are gone.
   */
  absorb(): readonly Turn[] {
    const chain: Turn[] = [];
    let above = this.parent;
    for (; above !== undefined && above.children.length === 1; above = above.parent) chain.push(above);
    if (chain.length < chainMax) return [];
    const top = chain.at(-1)!;
    this.bytes = Buffer.concat([...chain.map(({ bytes }) => bytes).toReversed(), this.bytes]);
    this.parent = above;
    if (above !== undefined) above.children[above.children.indexOf(top)] = this;
    return chain;
  }
}
