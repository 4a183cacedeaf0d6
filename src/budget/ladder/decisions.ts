import type { NanoUsd } from '../../kernel/money.ts';

/** One decision that changed what callers get, as the journal has it. */
export type Decision =
  | {
      readonly kind: 'level';
      readonly at: number;
      readonly budget: string;
      /** Whose, where each agent, key, ... has a budget of its own. */
      readonly value: string | undefined;
      readonly window: string;
      readonly from: number;
      readonly to: number;
      readonly spent: NanoUsd;
      readonly limit: NanoUsd;
      /** In force from now on. */
      readonly actions: readonly string[];
      readonly why:
        | 'spend'
        | 'refused'
        | 'spend-fell'
        | 'limit-changed'
        | 'window-turned'
        | 'removed';
    }
  | {
      readonly kind: 'emergency';
      readonly at: number;
      readonly scope: string;
      readonly on: boolean;
      readonly level: number;
      readonly by: string | undefined;
    }
  | {
      readonly kind: 'alert';
      readonly at: number;
      readonly budget: string;
      readonly value: string | undefined;
      readonly window: string;
      readonly threshold: number;
    }
  | {
      readonly kind: 'loop';
      readonly at: number;
      readonly tenant: string;
      readonly agent: string | undefined;
      readonly session: string | undefined;
      readonly tools: readonly string[];
      readonly times: number;
      readonly refused: boolean;
    };

/** Where decisions are written down. */
export interface DecisionJournal {
  /** Never throws and never waits: a journal that cannot be written is a signal. */
  record(decision: Decision): void;
  /** The newest last. */
  recent(count: number): Promise<readonly Decision[]>;
  /** Resolves when all is written. */
  close(): Promise<void>;
}
