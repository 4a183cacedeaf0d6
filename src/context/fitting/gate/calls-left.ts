import { BoundedMap } from '../../../kernel/bounded-map.ts';

/** Lengths of an agent's past conversations, in calls, newest last. */
const rememberedLengths = 64;
const rememberedAgents = 1000;
/**
 * What is assumed of an agent before it has a past, as shares of the calls it has made: half of Lindy's law (a conversation that has
 * lasted n calls lasts as long again, half of the time: the 20, 40, 60 and 80 percent quantiles of P(more than x left) = n / (n + x)),
 * since an edit that comes too early costs, and one that comes later saves a little less.
 */
const priorShares = [0.125, 1 / 3, 0.75, 2];

/** Learns how many calls a conversation still has, from those that the same agent had before. */
export class CallsLeft {
  readonly #lengths = new BoundedMap<number[]>(rememberedAgents);

  /** A conversation of this agent ended after so many calls. */
  learn(agent: string, calls: number): void {
    const known = this.#lengths.getOr(agent, () => []);
    known.push(calls);
    if (known.length > rememberedLengths) known.shift();
  }

  /** Calls still to be expected at the `call`th call of a conversation, this one among them: the median over those that came so far. */
  expect(agent: string, call: number): number {
    const left = priorShares.map((share) => 1 + share * call);
    for (const length of this.#lengths.get(agent) ?? []) {
      if (length >= call) left.push(length - call + 1);
    }
    left.sort((one, other) => one - other);
    const middle = left.length >> 1;
    return left.length % 2 === 1 ? left[middle]! : (left[middle - 1]! + left[middle]!) / 2;
  }
}
