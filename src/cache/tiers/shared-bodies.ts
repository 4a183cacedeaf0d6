import { crc32 } from 'node:zlib';
import { packedBody, withoutBody } from '../answer-codec.ts';

/** Below, what is saved is not worth the look. */
const shareableFrom = 2048;
/** Bytes looked at in three places of a large body; the rest is compared only with one that is the same there. */
const sampleBytes = 1024;

/** Who bears a body; it is charged for it, or another is. */
export interface Bearer {
  /** The packed entry, without its body where that is another's. */
  readonly packed: Buffer;
  /** The body, where it is another's: a view into bytes that live as long as any bearer. */
  readonly apart: Buffer | undefined;
  /** Of the body; 0: it is not shared. */
  readonly print: number;
}

/** How an entry is to be kept. */
export type Bearing = Pick<Bearer, 'packed' | 'apart' | 'print'>;

/** One is charged for the body, the others have it for nothing. */
interface Group<Kept> {
  payer: Kept;
  readonly others: Set<Kept>;
}

/**
 * Equal bodies, each kept once however many entries bear it. They are found by a checksum and then compared, so that nothing of one body ever
 * stands for another; who makes bodies with the same checksum on purpose only spoils the saving on them. The one that came first is charged
 * for the body; when it goes, one of the others inherits the charge.
 */
export class SharedBodies<Kept extends Bearer> {
  readonly #groups = new Map<number, Kept | Group<Kept>>();
  readonly #heirs: Kept[] = [];
  #saved = 0;

  /** Bytes that would be held beside these if equal bodies were not kept once. */
  get saved(): number {
    return this.#saved;
  }

  /** How to keep a packed entry now. What is said holds until the next act. */
  bearingOf(packed: Buffer): Bearing {
    const body = packedBody(packed);
    if (body.length < shareableFrom) return { packed, apart: undefined, print: 0 };
    const print = printOf(body);
    const payer = this.#payer(print);
    if (payer === undefined || print === 0) return { packed, apart: undefined, print };
    const its = bodyOf(payer);
    if (!its.equals(body)) return { packed, apart: undefined, print: 0 };
    return { packed: withoutBody(packed), apart: its, print };
  }

  /** The entry is kept. It may have become the heir of whom it was to share with. */
  add(kept: Kept): void {
    if (kept.print === 0) return;
    const found = this.#groups.get(kept.print);
    if (found === undefined) {
      this.#groups.set(kept.print, kept);
      if (kept.apart !== undefined) this.#heirs.push(kept);
    } else if (kept.apart !== undefined) {
      if (isGroup(found)) found.others.add(kept);
      else this.#groups.set(kept.print, { payer: found, others: new Set([kept]) });
      this.#saved += kept.apart.length;
    }
  }

  /** The entry is not kept any more. */
  remove(kept: Kept): void {
    const found = this.#groups.get(kept.print);
    if (found === kept) this.#groups.delete(kept.print);
    if (found === undefined || !isGroup(found)) return;
    if (found.others.delete(kept)) this.#saved -= bodyOf(kept).length;
    else if (found.payer === kept) {
      const [heir] = found.others;
      found.others.delete(heir!);
      found.payer = heir!;
      this.#saved -= bodyOf(kept).length;
      this.#heirs.push(heir!);
    }
    if (found.others.size === 0) this.#groups.set(kept.print, found.payer);
  }

  /** The next that must be charged for its body from now on. */
  nextHeir(): Kept | undefined {
    return this.#heirs.pop();
  }

  clear(): void {
    this.#groups.clear();
    this.#heirs.length = 0;
    this.#saved = 0;
  }

  #payer(print: number): Kept | undefined {
    const found = this.#groups.get(print);
    return found !== undefined && isGroup(found) ? found.payer : found;
  }
}

/** The body of an entry, whoever's bytes they are. */
export function bodyOf({ packed, apart }: Bearer): Buffer {
  return apart ?? packedBody(packed);
}

function printOf(body: Buffer): number {
  if (body.length <= 3 * sampleBytes) return crc32(body) | 0;
  const middle = body.length >> 1;
  const first = crc32(body.subarray(0, sampleBytes), body.length);
  const second = crc32(body.subarray(middle, middle + sampleBytes), first);
  return crc32(body.subarray(-sampleBytes), second) | 0;
}

function isGroup<Kept extends Bearer>(found: Kept | Group<Kept>): found is Group<Kept> {
  return 'others' in found;
}
