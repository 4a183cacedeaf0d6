import { BoundedMap } from '../../kernel/bounded-map.ts';
import {
  count,
  expectedOfFirst,
  expectedOfLater,
  newHabits,
  neverGap,
  newTally,
  oddsOf,
  type Habits,
  type Odds,
} from '../habits.ts';
import type { StaticPart, StaticUse } from '../static-part.ts';
import type { CacheTerms } from '../terms.ts';
import type { Thread } from '../thread.ts';
import { bestHold, type Hold } from './hold.ts';

interface Pending {
  readonly thread: Thread;
  readonly call: number;
  readonly deadline: number;
}

interface Owner {
  readonly habits: Habits;
  /** Calls of which it is not known yet whether they will be followed up; in order of their deadlines. */
  readonly pending: Pending[];
}

const ownersLimit = 4096;
const staticsLimit = 16_384;
const pendingLimit = 2048;

/** What care stakes on a request. */
export interface Wager {
  readonly tail: Hold;
  readonly static: Hold;
  /** Rests on calls that were seen, not on what is expected of strangers. */
  readonly isExperienced: boolean;
}

/** Experience with agents and prompts, and the wagers that follow from it. */
export class Wagers {
  readonly #owners = new BoundedMap<Owner>(ownersLimit);
  readonly #statics = new BoundedMap<StaticUse>(staticsLimit);
  readonly #waits: boolean;

  /** @param options.waits whether parallel calls wait for the first to warm their prefix. */
  constructor(options: { readonly waits: boolean }) {
    this.#waits = options.waits;
  }

  habits(owner: string): Habits {
    return this.#owner(owner).habits;
  }

  /** Takes note that a thread goes on: its last call was followed up, with its prefix `intact` or not. */
  followUp(
    owner: string,
    thread: Thread,
    followed: { readonly at: number; readonly intact: boolean; readonly terms: CacheTerms },
  ): void {
    const { habits } = this.#owner(owner);
    const gap = followed.at - thread.at;
    const { ttlMs, ttlLongMs } = followed.terms;
    const outcome = !followed.intact
      ? 'none'
      : gap < ttlMs
        ? 'short'
        : gap < (ttlLongMs ?? 0)
          ? 'long'
          : 'none';
    count(thread.tally, outcome);
    const window = followed.intact ? Math.min(neverGap, Math.floor(gap / ttlMs)) : neverGap;
    habits.gaps[window]!++;
    if (thread.isGivenUp) habits.gaps[neverGap]!--;
    const tally = thread.calls === 1 ? habits.first : habits.later;
    if (!thread.isGivenUp) count(tally, outcome);
    else if (outcome === 'long') tally.long++; // it was counted as over, and came back late
  }

  /** Takes note of a call that may be followed up. */
  await(owner: string, thread: Thread, terms: CacheTerms): void {
    const { pending } = this.#owner(owner);
    thread.isGivenUp = false;
    if (pending.length < pendingLimit) {
      pending.push({ thread, call: thread.calls, deadline: thread.at + terms.ttlMs });
    }
  }

  /** Counts those as over whose time has passed without a further call. */
  giveUp(owner: string, at: number): void {
    const { habits, pending } = this.#owner(owner);
    let over = 0;
    for (; over < pending.length && pending[over]!.deadline < at; over++) {
      const { thread, call } = pending[over]!;
      if (thread.calls !== call) continue;
      thread.isGivenUp = true;
      count(call === 1 ? habits.first : habits.later, 'none');
      habits.gaps[neverGap]!++;
    }
    if (over > 0) pending.splice(0, over);
  }

  /** What is known of a static part, this use of it counted. */
  useStatic(owner: string, part: StaticPart, at: number, terms: CacheTerms): StaticUse {
    const use = this.#statics.getOr(`${owner}\n${part.digest}`, () => ({
      tally: newTally(),
      lastAt: -Infinity,
      answeredAt: -Infinity,
      tokens: undefined,
      hotUntil: -Infinity,
    }));
    const gap = at - use.lastAt;
    // What is still being worked through cannot be read, unless calls wait for it.
    const isReadable = use.answeredAt >= use.lastAt || this.#waits;
    if (use.lastAt > -Infinity && isReadable) {
      count(
        use.tally,
        gap < terms.ttlMs ? 'short' : gap < (terms.ttlLongMs ?? 0) ? 'long' : 'none',
      );
    }
    use.lastAt = at;
    return use;
  }

  /** What to stake on a request. */
  stake(options: {
    readonly owner: string;
    readonly thread: Thread | undefined;
    readonly isAgent: boolean;
    readonly staticUse: StaticUse | undefined;
    readonly terms: CacheTerms;
  }): Wager {
    const { thread, terms, staticUse } = options;
    const { habits } = this.#owner(options.owner);
    const tail = tailOdds(habits, thread, options.isAgent);
    const shared = staticUse === undefined ? tail : oddsOf(staticUse.tally, tail);
    return {
      tail: bestHold(terms, tail),
      static: staticUse === undefined ? 'none' : bestHold(terms, shared),
      isExperienced: (thread?.tally.tried ?? 0) + habits.first.tried >= 3,
    };
  }

  #owner(name: string): Owner {
    return this.#owners.getOr(name, () => ({ habits: newHabits(), pending: [] }));
  }
}

/** A conversation's own calls weigh more than those of its agent. */
const agentWeight = 0.4;

function tailOdds(habits: Habits, thread: Thread | undefined, isAgent: boolean): Odds {
  if (thread === undefined) return oddsOf(habits.first, expectedOfFirst(isAgent));
  return oddsOf(thread.tally, oddsOf(habits.later, expectedOfLater), agentWeight);
}
