import type { Pressure } from '../../exchange/call.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isObject, parseJson, type JsonObject } from '../../kernel/json.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { BudgetScope, Standpoint } from '../budget.ts';
import type { BudgetStore } from '../store.ts';
import type { DecisionJournal } from './decisions.ts';
import { actionsAt, type LadderLevel } from './levels.ts';
import { joined } from './rung.ts';

/** The switch as somebody pulled it. */
export interface Emergency {
  readonly scope: BudgetScope;
  /** Level of the ladder that is forced. */
  readonly level: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** When it goes off by itself; undefined: when somebody switches it off. */
  readonly until: number | undefined;
  /** Who. */
  readonly by: string | undefined;
}

const flagPrefix = 'emergency/';
const scopeNames = ['tenant', 'team', 'key', 'agent', 'session', 'tag'] as const;

/** A scope as text, such as `agent=crawler,tag=nightly`; `everything` where it names nothing. */
export function scopeText(scope: BudgetScope): string {
  const parts = scopeNames.flatMap((name) =>
    scope[name] === undefined ? [] : [`${name}=${scope[name]}`],
  );
  return parts.length === 0 ? 'everything' : parts.join(',');
}

/** The scope that a text such as `agent=crawler,tag=nightly` means; undefined where it means none. */
export function parseScope(text: string): BudgetScope | undefined {
  if (text.trim() === 'everything') return {};
  const scope: Record<string, string> = {};
  for (const part of text.split(',')) {
    const [name, ...rest] = part.split('=');
    const [field, value] = [name?.trim() ?? '', rest.join('=').trim()];
    if (!(scopeNames as readonly string[]).includes(field) || value === '' || field in scope) {
      return undefined;
    }
    scope[field] = value;
  }
  return scope;
}

/** Pulls the switch for a scope, for all replicas. */
export async function switchOn(
  store: Pick<BudgetStore, 'setFlag'>,
  emergency: Emergency,
): Promise<void> {
  await store.setFlag(flagPrefix + scopeText(emergency.scope), JSON.stringify(emergency));
}

/** Takes it back. @returns false where it was not on. */
export async function switchOff(
  store: Pick<BudgetStore, 'setFlag' | 'flags'>,
  scope: BudgetScope,
): Promise<boolean> {
  const name = flagPrefix + scopeText(scope);
  const wasOn = (await store.flags()).has(name);
  await store.setFlag(name, undefined);
  return wasOn;
}

/** The switches that are on. What cannot be read is passed over. */
export async function emergencies(
  store: Pick<BudgetStore, 'flags'>,
  now: number,
): Promise<readonly Emergency[]> {
  const flags = await store.flags();
  return [...flags]
    .flatMap(([name, text]) => (name.startsWith(flagPrefix) ? (emergencyOf(text) ?? []) : []))
    .filter(({ until }) => until === undefined || until > now);
}

function emergencyOf(text: string): Emergency | undefined {
  const value = parseJson(text);
  if (!isObject(value) || !isObject(value['scope'])) return undefined;
  const { level, since, until, by } = value;
  if (typeof level !== 'number' || typeof since !== 'number') return undefined;
  return {
    scope: scopeOf(value['scope']),
    level,
    since,
    until: typeof until === 'number' ? until : undefined,
    by: typeof by === 'string' ? by : undefined,
  };
}

function scopeOf(value: JsonObject): BudgetScope {
  const scope: Record<string, string> = {};
  for (const name of scopeNames) {
    const part = value[name];
    if (typeof part === 'string') scope[name] = part;
  }
  return scope;
}

/** True where the scope speaks of this caller; `*` means whoever. */
function isIn(scope: BudgetScope, standpoint: Standpoint): boolean {
  return scopeNames.every((name) => {
    const wanted = scope[name];
    if (wanted === undefined || wanted === '*') return true;
    return name === 'tag' ? standpoint.tags.includes(wanted) : standpoint[name] === wanted;
  });
}

/** So soon every replica knows of the switch. */
const pollMs = 2000;

export interface EmergencyOptions {
  readonly store: Pick<BudgetStore, 'flags'>;
  readonly levels: readonly LadderLevel[];
  readonly journal: Pick<DecisionJournal, 'record'>;
  readonly clock: Clock;
  readonly signals: Signals;
}

interface Watched {
  readonly emergency: Emergency;
  readonly pressure: Pressure;
}

/** The switch as this process knows it: asks the store every two seconds. A store that does not answer leaves it as it was. */
export class EmergencySwitch {
  readonly #options: EmergencyOptions;
  #on: readonly Watched[] = [];
  #waiting: (() => void) | undefined;
  #polling: Promise<void> | undefined;
  #closed = false;
  #isFailing = false;

  constructor(options: EmergencyOptions) {
    this.#options = options;
  }

  get on(): readonly Emergency[] {
    return this.#on.map(({ emergency }) => emergency);
  }

  /** Asks now, and from then on by itself. */
  poll(): Promise<void> {
    this.#waiting?.();
    this.#polling ??= this.#ask().finally(() => {
      this.#polling = undefined;
      if (!this.#closed) this.#waiting = this.#options.clock.after(pollMs, () => void this.poll());
    });
    return this.#polling;
  }

  pressureOn(standpoint: Standpoint): Pressure | undefined {
    if (this.#on.length === 0) return undefined;
    const now = this.#options.clock.now();
    let found: Pressure | undefined;
    for (const { emergency, pressure } of this.#on) {
      const isOver = emergency.until !== undefined && emergency.until <= now;
      if (!isOver && isIn(emergency.scope, standpoint)) found = joined(found, pressure);
    }
    return found;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting?.();
    await this.#polling;
  }

  async #ask(): Promise<void> {
    const { store, clock, signals } = this.#options;
    try {
      const found = await emergencies(store, clock.now());
      this.#take(found);
      if (this.#isFailing) signals.emit('part-healed', { part: 'emergency' });
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) {
        signals.emit('part-failed', { part: 'emergency', operation: 'poll', error });
      }
      this.#isFailing = true;
    }
  }

  #take(found: readonly Emergency[]): void {
    const before = new Map(this.#on.map((each) => [keyOf(each.emergency), each]));
    const after = new Set(found.map(keyOf));
    this.#on = found.map((emergency) => before.get(keyOf(emergency)) ?? this.#watched(emergency));
    for (const emergency of found) if (!before.has(keyOf(emergency))) this.#tell(emergency, true);
    for (const [key, { emergency }] of before) if (!after.has(key)) this.#tell(emergency, false);
  }

  #watched(emergency: Emergency): Watched {
    const { levels } = this.#options;
    const level = Math.min(emergency.level, levels.length);
    const actions = new Set(actionsAt(level, levels, true));
    return {
      emergency,
      pressure: { level, actions, budget: 'emergency', until: emergency.until },
    };
  }

  #tell(emergency: Emergency, on: boolean): void {
    const { journal, clock, signals, levels } = this.#options;
    const { level, by } = emergency;
    const scope = scopeText(emergency.scope);
    journal.record({ kind: 'emergency', at: clock.now(), scope, on, level, by });
    signals.emit('pressure-changed', {
      budget: 'emergency',
      value: scope,
      from: on ? 0 : level,
      to: on ? level : 0,
      actions: on ? actionsAt(level, levels, true) : [],
      text: `The emergency switch for ${scope} is ${on ? `on (level ${level})` : 'off'}.`,
    });
  }
}

function keyOf({ scope, level, since, until }: Emergency): string {
  return `${scopeText(scope)}/${level}/${since}/${until}`;
}
