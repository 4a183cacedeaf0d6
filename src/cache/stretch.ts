import type { RequestFacts } from '../exchange/dialect.ts';
import type { ToolSteps } from '../exchange/tool-steps.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { ItemChain } from './item-chain.ts';

/** What is known of a request once its body is recognised. */
export interface Recognised {
  readonly facts: RequestFacts;
  readonly key: string;
  /** Items of the growing list. */
  readonly count: number;
  /** The last tool calls of the conversation; none where nobody looks at them. */
  readonly steps: ToolSteps;
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

/** A place behind an item of the growing list, and what is known of the body that ends its list there. */
export interface Mark {
  /** Offset in the body. */
  readonly end: number;
  readonly items: ItemChain;
  readonly facts: RequestFacts;
  readonly steps: ToolSteps;
  /** Undefined until such a body is asked for. */
  key: string | undefined;
}

/** What a stretch takes beside its bytes, about. */
const overheadBytes = 1500;
/** Room made beyond what is needed, so that growing turn by turn copies each byte a few times at most. */
const spareShare = 1 / 4;

/**
 * Bytes of a conversation from where it parts from others up to its latest turn. It grows in place, since a request is mostly the one
 * before and a tail; the turn before the latest is remembered for who asks that again or goes on from there differently. Stretches form a
 * tree, so that each byte is kept once, and a conversation of a hundred turns is one object and not a hundred for the garbage collector.
 */
export class Stretch {
  readonly frame: Frame;
  parent: Stretch | undefined;
  readonly children: Stretch[] = [];
  /** Neighbours in the order of use. */
  newer: Stretch | undefined = undefined;
  older: Stretch | undefined = undefined;
  readonly #from: number;
  #bytes: Buffer;
  #previous: Mark | undefined;
  #last: Mark;

  /** @param options.bytes from the end of the parent up to `last.end`; copied. */
  constructor(options: {
    readonly frame: Frame;
    readonly parent: Stretch | undefined;
    readonly bytes: Buffer;
    readonly previous?: Mark | undefined;
    readonly last: Mark;
  }) {
    const { frame, parent, bytes, previous, last } = options;
    this.frame = frame;
    this.parent = parent;
    this.#from = last.end - bytes.length;
    this.#bytes = Buffer.allocUnsafeSlow(bytes.length);
    bytes.copy(this.#bytes);
    this.#previous = previous;
    this.#last = last;
  }

  get size(): number {
    return this.#bytes.length + overheadBytes;
  }

  /** Where its children go on. */
  get last(): Mark {
    return this.#last;
  }

  /** The furthest of its marks that `body` reaches with the same bytes. */
  markIn(body: Buffer): Mark | undefined {
    if (this.#holds(body, this.#last)) return this.#last;
    const previous = this.#previous;
    return previous !== undefined && this.#holds(body, previous) ? previous : undefined;
  }

  /** Goes on to `mark`, with the bytes of `body` up to there. Only where it has no children. */
  grow(body: Buffer, mark: Mark): void {
    const length = mark.end - this.#from;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.ceil(length * (1 + spareShare)));
      this.#bytes.copy(larger, 0, 0, this.#last.end - this.#from);
      this.#bytes = larger;
    }
    body.copy(this.#bytes, this.#last.end - this.#from, this.#last.end, mark.end);
    this.#previous = this.#last;
    this.#last = mark;
  }

  /** Cuts off what comes behind the mark before the last: from there on it is a child of its own. */
  split(): Stretch {
    const [cut, last] = [this.#previous!, this.#last];
    const bytes = this.#bytes.subarray(cut.end - this.#from, last.end - this.#from);
    const child = new Stretch({ frame: this.frame, parent: this, bytes, last });
    child.children.push(...this.children.splice(0));
    for (const each of child.children) each.parent = child;
    this.children.push(child);
    this.#bytes = Buffer.from(this.#bytes.subarray(0, cut.end - this.#from));
    this.#last = cut;
    this.#previous = undefined;
    return child;
  }

  #holds(body: Buffer, { end }: Mark): boolean {
    if (end + this.frame.suffix.length > body.length) return false;
    const from = this.#from;
    // Conversations of one agent differ early or just at their end: a look there spares most of the long comparisons.
    const near = Math.max(from, end - 64);
    const bytes = this.#bytes;
    return (
      body.compare(bytes, near - from, end - from, near, end) === 0 &&
      body.compare(bytes, 0, end - from, from, end) === 0
    );
  }
}
