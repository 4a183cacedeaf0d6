import type { NanoUsd } from '../kernel/money.ts';
import type { BudgetDefinition, BudgetWindow } from './budget.ts';

/** How a budget stands in one of its windows. */
export interface BudgetStanding {
  readonly budget: BudgetDefinition;
  readonly account: string;
  /** What `*` in the scope stands for here, such as the agent's name; undefined where the scope has none. */
  readonly value: string | undefined;
  readonly window: BudgetWindow;
  readonly spent: NanoUsd;
  readonly held: NanoUsd;
  /** When this was so, milliseconds since the epoch. */
  readonly at: number;
  /** A call was turned away just now because this budget had too little left for it. */
  readonly refused?: boolean | undefined;
}

/** Hears of every change of a standing that this process makes or sees. Must be quick and must not throw. */
export type StandingListener = (standing: BudgetStanding) => void;
