import { ratesAt, type Economics } from '../../src/context/fitting/gate/economics.ts';

/** A synthetic agent session: tools and instructions, a task, then calls that each bring a tool result. Tokens throughout. */
export interface SessionShape {
  readonly calls: number;
  readonly head: number;
  /** What the model writes at a call, which is sent back with the next. */
  readonly written: number;
  /** The tool's result. */
  readonly result: number;
  /** Every so many calls the provider's cache has gone cold; 0: never. */
  readonly coldEvery: number;
}

/** What is left in the place of a masked result. */
export const placeholder = 30;
/** No policy touches the results of the newest three calls. */
export const newest = 3;
const task = 200;

/** What a policy sees before a call. Results are counted from 0, the oldest first. */
export interface Moment {
  readonly shape: SessionShape;
  /** Counted from 1. */
  readonly call: number;
  readonly hot: boolean;
  /** Tokens of this request with the edits made so far. */
  readonly total: number;
  readonly masked: ReadonlySet<number>;
}

/** Which results to mask from now on, besides those that are masked already. */
export type MaskPolicy = (moment: Moment) => readonly number[];

/** The lengths of a request's items: the task, then what was written and the result of each earlier call. */
export function itemLengths({ shape, call, masked }: Omit<Moment, 'total' | 'hot'>): number[] {
  const lengths = [task];
  for (let index = 0; index < call - 1; index++) {
    lengths.push(shape.written, masked.has(index) ? placeholder : shape.result);
  }
  return lengths;
}

/** The bill of a session under a policy, in pico-dollars, by a provider that holds the longest prefix sent before. */
export function billOf(shape: SessionShape, policy: MaskPolicy, economics: Economics): number {
  let masked: ReadonlySet<number> = new Set();
  let sent: number[] = [];
  let bill = 0;
  for (let call = 1; call <= shape.calls; call++) {
    const isGap = shape.coldEvery > 0 && call % shape.coldEvery === 0;
    const hot = call > 1 && !isGap && economics.ttlMs > 0;
    const sumOf = (lengths: readonly number[]): number =>
      lengths.reduce((sum, each) => sum + each, shape.head);
    const total = sumOf(itemLengths({ shape, call, masked }));
    masked = new Set([...masked, ...policy({ shape, call, hot, total, masked })]);
    const lengths = itemLengths({ shape, call, masked });
    const same = sent.findIndex((each, index) => each !== lengths[index]);
    const prefix = lengths.slice(0, same < 0 ? sent.length : same);
    const cached = hot ? sumOf(prefix) : 0;
    const input = sumOf(lengths);
    const rates = ratesAt(economics, input);
    bill += cached * rates.read + (input - cached) * rates.write + shape.written * rates.output;
    sent = lengths;
  }
  return bill;
}
