/**
 * What the house tells its observers. Emitting never throws and nobody waits for it; telemetry subscribes, and no room depends on telemetry.
 */
export interface SignalMap {
  /** A cache tier, a store or an exporter failed; the call went on without it. */
  'part-failed': { readonly part: string; readonly operation: string; readonly error: unknown };
  /** A part that had failed works again. */
  'part-healed': { readonly part: string };
  /** A call ended, well or not. `row` is what the ledger books. */
  'call-ended': { readonly row: object };
  /** A budget, in one of its windows, has spent a share of its limit that somebody wanted to hear of. Once for all replicas. */
  'budget-alert': {
    readonly budget: string;
    /** Whose, where each agent, key, ... has a budget of its own. */
    readonly value: string | undefined;
    readonly window: string;
    /** 0 to 1. */
    readonly threshold: number;
    readonly text: string;
  };
  /** A level of the protection ladder was reached or left; pools and queues obey its actions. */
  'pressure-changed': {
    readonly budget: string;
    readonly value: string | undefined;
    readonly from: number;
    readonly to: number;
    /** In force from now on. */
    readonly actions: readonly string[];
    readonly text: string;
  };
  /** An agent runs in circles, or its session has made all the calls that it may. */
  runaway: {
    readonly tenant: string;
    readonly agent: string | undefined;
    readonly session: string | undefined;
    readonly text: string;
  };
  /** Something an operator should read once. */
  notice: { readonly text: string };
}

type Listener<Name extends keyof SignalMap> = (payload: SignalMap[Name]) => void;

export class Signals {
  readonly #listeners = new Map<keyof SignalMap, Set<(payload: never) => void>>();

  /** Subscribes; the returned function ends it. */
  on<Name extends keyof SignalMap>(name: Name, listener: Listener<Name>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<Name extends keyof SignalMap>(name: Name, payload: SignalMap[Name]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<Name>)(payload);
      } catch {
        // An observer's fault is not the caller's: a log that cannot be written must not fail a call.
      }
    }
  }
}
