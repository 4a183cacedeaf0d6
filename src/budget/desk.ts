import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { BudgetScope } from './budget.ts';
import { fillOf } from './fill.ts';
import { forecastOf, type Forecast, type PaceTable } from './forecast.ts';
import type { Decision, DecisionJournal } from './ladder/decisions.ts';
import {
  emergencies,
  parseScope,
  switchOff,
  switchOn,
  type Emergency,
} from './ladder/emergency.ts';
import { actionsAt, nextLevel, type LadderPolicy } from './ladder/levels.ts';
import type { Rung } from './ladder/rung.ts';
import type { SavingEstimate } from './ladder/savings.ts';
import type { BudgetStanding } from './standing.ts';
import type { BudgetStore } from './store.ts';

/** How a budget stands, with what is done about it. */
export interface BudgetState {
  readonly standing: BudgetStanding;
  readonly forecast: Forecast;
  /** 0 where the ladder is off. */
  readonly level: number;
  readonly actions: readonly string[];
}

/** Everything that an operator wants to see at once. */
export interface BudgetOverview {
  readonly at: number;
  readonly isLadderOn: boolean;
  readonly budgets: readonly BudgetState[];
  readonly emergencies: readonly Emergency[];
  /** The newest last. */
  readonly decisions: readonly Decision[];
  /** Undefined where there is no ledger to go by. */
  readonly saving: SavingEstimate | undefined;
}

export interface BudgetDeskOptions {
  readonly store: Pick<BudgetStore, 'flags' | 'setFlag'>;
  readonly standings: () => Promise<readonly BudgetStanding[]>;
  /** Undefined: the ladder is off. */
  readonly policy: LadderPolicy | undefined;
  /** Levels that an emergency can force. */
  readonly levels: LadderPolicy['levels'];
  /** What this process knows of levels; undefined where it only reads. */
  readonly rungs: (() => readonly Rung[]) | undefined;
  readonly pace: PaceTable | undefined;
  readonly decisions: DecisionJournal['recent'];
  readonly saving: () => Promise<SavingEstimate | undefined>;
  readonly clock: Clock;
}

/** An emergency as somebody asks for it, in words. */
export interface EmergencyWish {
  /** Such as `agent=crawler`; undefined: everything. */
  readonly scope: string | undefined;
  /** Undefined: the highest. */
  readonly level: number | undefined;
  /** How long, in milliseconds; undefined: until it is switched off. */
  readonly forMs: number | undefined;
  readonly by: string | undefined;
}

const decisionsShown = 20;

/** Where operators see how budgets stand and pull the emergency switch, by command or over the admin API. */
export class BudgetDesk {
  readonly #options: BudgetDeskOptions;

  constructor(options: BudgetDeskOptions) {
    this.#options = options;
  }

  /** @throws EconomizerError `ECO_BUDGET_STORE` where the store cannot be asked. */
  async overview(): Promise<BudgetOverview> {
    const { standings, store, policy, clock, decisions, saving } = this.#options;
    const at = clock.now();
    const levels = new Map(
      (this.#options.rungs?.() ?? []).map((rung) => [rung.standing.account, rung.level]),
    );
    return {
      at,
      isLadderOn: policy !== undefined,
      budgets: (await standings()).map((standing) => this.#stateOf(standing, levels, at)),
      emergencies: await emergencies(store, at),
      decisions: await decisions(decisionsShown),
      saving: await saving(),
    };
  }

  /** Pulls the switch; every gateway heeds it within seconds. @throws EconomizerError `ECO_BAD_QUERY`. */
  async switchOn({ scope, level, forMs, by }: EmergencyWish): Promise<Emergency> {
    const { store, clock, levels } = this.#options;
    if (level !== undefined && (!Number.isInteger(level) || level < 1 || level > levels.length)) {
      throw badWish('level', `a whole number from 1 to ${levels.length}`);
    }
    const since = clock.now();
    const emergency: Emergency = {
      scope: scopeOf(scope),
      level: level ?? levels.length,
      since,
      until: forMs === undefined ? undefined : since + forMs,
      by,
    };
    await switchOn(store, emergency);
    return emergency;
  }

  /** @returns false where it was not on. @throws EconomizerError `ECO_BAD_QUERY`. */
  switchOff(scope: string | undefined): Promise<boolean> {
    return switchOff(this.#options.store, scopeOf(scope));
  }

  /** What the switch would save a day. */
  saving(): Promise<SavingEstimate | undefined> {
    return this.#options.saving();
  }

  #stateOf(standing: BudgetStanding, known: ReadonlyMap<string, number>, now: number): BudgetState {
    const { policy, pace } = this.#options;
    const level =
      policy === undefined
        ? 0
        : (known.get(standing.account) ?? nextLevel(0, fillOf(standing), policy));
    return {
      standing,
      forecast: forecastOf(standing, pace?.of(standing, now), now),
      level,
      actions: policy === undefined ? [] : actionsAt(level, policy.levels, standing.budget.hard),
    };
  }
}

function scopeOf(text: string | undefined): BudgetScope {
  const scope = text === undefined ? {} : parseScope(text);
  if (scope !== undefined) return scope;
  throw badWish(
    'scope',
    'everything, or names and values such as agent=crawler or tenant=acme,tag=nightly; the names are tenant, team, key, agent, session and tag',
  );
}

function badWish(name: string, allowed: string): EconomizerError {
  return new EconomizerError('ECO_BAD_QUERY', `\`${name}\` must be ${allowed}.`, { param: name });
}
