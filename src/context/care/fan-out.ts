import type { CarePlan } from '../care-plan.ts';
import { bytesUpTo } from '../layout.ts';

/** A call on its way that will leave its prefix hot. */
interface Leader {
  readonly isStream: boolean;
  readonly since: number;
  readonly waiting: Set<() => void>;
}

/** How a call takes part: it waits for another, leads, or neither. */
export type Part =
  | { readonly kind: 'follow'; readonly waitMs: number; readonly ready: Promise<void> }
  | { readonly kind: 'lead'; readonly release: () => void }
  | undefined;

/** What a second of somebody's waiting is taken to be worth, in dollars; a minute is six cents. */
const secondUsd = 0.001;
const picoPerUsd = 1e12;
/** How long a provider works at so much input before its first token, about; only bounds the wait for plain answers, which come whole. */
const baseMs = 800;
const tokensPerMs = 4;
const leadersLimit = 10_000;

/**
 * Parallel calls with the same cold prefix all pay for writing it. Here the first one goes ahead and the others wait for its
 * first token, where what they then read instead saves more than the wait costs.
 */
export class FanOut {
  readonly #maxWaitMs: number;
  readonly #leaders = new Map<string, Leader>();

  constructor(options: { readonly maxWaitMs: number }) {
    this.#maxWaitMs = options.maxWaitMs;
  }

  /** @param now wall time; `isStream` tells when the first token will be seen. */
  enter(plan: CarePlan, now: number, isStream: boolean): Part {
    const { staticUse, staticPart, request, before } = plan;
    // Whoever goes on a conversation finds its own prefix; one that is hot needs no leader.
    if (before !== undefined || staticUse === undefined || staticPart === undefined) {
      return undefined;
    }
    const tokens = sharedTokens(plan);
    if (now < staticUse.hotUntil || tokens === 0) return undefined;
    const name = [request.tenant, request.provider, request.model, staticPart.digest].join('\n');
    const leader = this.#leaders.get(name);
    if (leader === undefined) return this.#lead(name, now, isStream);
    const waitMs = this.#waitMs(leader, tokens, now);
    return waitMs > 0 && pays(plan, tokens, waitMs) ? follow(leader, waitMs) : undefined;
  }

  #lead(name: string, since: number, isStream: boolean): Part {
    if (this.#leaders.size >= leadersLimit) return undefined;
    const leader: Leader = { isStream, since, waiting: new Set() };
    this.#leaders.set(name, leader);
    return {
      kind: 'lead',
      release: () => {
        if (this.#leaders.get(name) === leader) this.#leaders.delete(name);
        for (const wake of leader.waiting) wake();
        leader.waiting.clear();
      },
    };
  }

  /** At most the set wait from now on; a plain answer shows no first token, so it is reckoned. */
  #waitMs({ isStream, since }: Leader, tokens: number, now: number): number {
    if (isStream) return this.#maxWaitMs;
    return Math.min(this.#maxWaitMs, since + baseMs + tokens / tokensPerMs - now);
  }
}

function follow(leader: Leader, waitMs: number): Part {
  const ready = new Promise<void>((resolve) => leader.waiting.add(resolve));
  return { kind: 'follow', waitMs, ready };
}

/** Tokens that the leader leaves for others to read: the shared beginning, where it will be held. */
function sharedTokens({ staticPart, form, places, habits, terms }: CarePlan): number {
  if (terms === undefined || staticPart === undefined || terms.mode === 'none') return 0;
  const { region, item } = staticPart;
  const isHeld =
    terms.maxBreakpoints === undefined ||
    places.some((place) => place.region === region && place.item === item);
  const tokens = bytesUpTo(form, region, item) * (habits.tokensPerByte ?? 0.25);
  return isHeld && tokens >= terms.minTokens ? tokens : 0;
}

function pays({ terms }: CarePlan, tokens: number, waitMs: number): boolean {
  const { rates, mode, maxBreakpoints } = terms!;
  const written = mode === 'explicit' || maxBreakpoints !== undefined ? rates.write : rates.fresh;
  return tokens * (written - rates.read) > (waitMs / 1000) * secondUsd * picoPerUsd;
}
