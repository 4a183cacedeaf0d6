import { CallsLeft } from '../../src/context/fitting/gate/calls-left.ts';
import type { Economics } from '../../src/context/fitting/gate/economics.ts';
import { planEdits } from '../../src/context/fitting/gate/plan.ts';
import { itemLengths, newest, placeholder, type MaskPolicy, type Moment } from './session.ts';

/** Results that are not masked yet and are not among the `keep` newest. */
function open({ call, masked }: Moment, keep: number): number[] {
  return Array.from({ length: Math.max(0, call - 1 - keep) }, (_, index) => index).filter(
    (index) => !masked.has(index),
  );
}

const slide =
  (keep: number): MaskPolicy =>
  (moment) =>
    open(moment, keep);

/** Masks once the results that could be masked amount to so many tokens. */
const inBatches =
  (tokens: number): MaskPolicy =>
  (moment) => {
    const found = open(moment, newest);
    return found.length * moment.shape.result >= tokens ? found : [];
  };

/** Masks whenever the request is longer than so many tokens. */
const beyond =
  (tokens: number): MaskPolicy =>
  (moment) =>
    moment.total > tokens ? open(moment, newest) : [];

/** Policies that do the same whatever the prices are. */
export const fixedPolicies: Readonly<Record<string, MaskPolicy>> = {
  'never prune': () => [],
  'every call, keep 3': slide(newest),
  'every call, keep 10': slide(10),
  'batches of 20k': inBatches(20_000),
  'batches of 50k': inBatches(50_000),
  'batches of 100k': inBatches(100_000),
  'beyond 50k': beyond(50_000),
  'beyond 95k': beyond(95_000),
  'beyond 260k': beyond(260_000),
  'when cold': (moment) => (moment.hot ? [] : open(moment, newest)),
};

const agent = 'agent';

/** What an agent's past teaches: so many conversations of the given lengths. */
export function pastOf(lengths: readonly number[]): CallsLeft {
  const past = new CallsLeft();
  for (const length of lengths) past.learn(agent, length);
  return past;
}

/** Ours: the gate of the product, asked before each call. */
export function gated(economics: Economics, past: CallsLeft): MaskPolicy {
  return (moment) => {
    const { shape, call, hot, total, masked } = moment;
    const lengths = itemLengths({ shape, call, masked });
    const growth = shape.written + shape.result;
    const plan = planEdits({
      standing: {
        economics,
        total,
        sentBefore: call === 1 ? 0 : total - growth,
        hot,
        callsLeft: past.expect(agent, call),
        growth,
        output: shape.written,
        coldShare: shape.coldEvery === 0 ? 0 : 1 / shape.coldEvery,
      },
      head: shape.head,
      items: lengths.map((tokens, index) => ({
        tokens,
        maskable: index > 0 && index % 2 === 0 ? Math.max(0, tokens - placeholder) : 0,
      })),
      policy: { tokenBudget: 4096, keepRecent: 2 * newest, remove: 'never' },
      limit: Infinity,
      units: () => [],
      allows: () => true,
    });
    return typeof plan === 'string' ? [] : plan.mask.map((item) => item / 2 - 1);
  };
}
