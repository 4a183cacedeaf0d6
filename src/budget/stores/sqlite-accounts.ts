import type { StatementSync } from 'node:sqlite';
import type { AccountLine } from '../store.ts';
import type { BudgetFile } from './sqlite-acts.ts';

const knownMax = 10_000;

interface Known {
  readonly number: number;
  readonly endsAt: number | undefined;
}

/** An account as it stands in the file. */
export interface AccountRow {
  readonly number: number;
  readonly balance: { readonly account: string; readonly spent: number; held: number };
}

/** Finds accounts in the file by their numbers, most of which are remembered. All of it within an act. */
export class Accounts {
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;
  /** Only a guess: the act that made an account may have been undone, or the account forgotten. */
  readonly #known = new Map<string, Known>();

  constructor(file: BudgetFile) {
    this.#statements = file.prepareAll(sql);
  }

  /** The account of this line; made where it is missing. */
  of({ account, endsAt }: Pick<AccountLine, 'account' | 'endsAt'>): AccountRow {
    const known = this.#known.get(account);
    if (known !== undefined && known.endsAt === endsAt) {
      const row = this.#statements.byNumber.get(known.number);
      if (row?.['name'] === account) return accountRow(account, row);
    }
    const row = this.#statements.make.get(account, endsAt ?? null)!;
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(account, { number: Number(row['id']), endsAt });
    return accountRow(account, row);
  }

  /** Names of the accounts with these numbers, in order; without those that were forgotten. */
  names(numbers: string): string[] {
    return numbers.split(',').flatMap((number) => {
      const row = this.#statements.byNumber.get(Number(number));
      return row === undefined ? [] : [String(row['name'])];
    });
  }
}

function accountRow(account: string, row: Record<string, unknown>): AccountRow {
  const [number, spent, held] = [row['id'], row['spent'], row['held']] as [number, number, number];
  return { number, balance: { account, spent, held } };
}

const sql = {
  byNumber: 'SELECT id, name, spent, held FROM accounts WHERE id = ?',
  // The later end counts, and never (null) is the latest.
  make: `
    INSERT INTO accounts (name, spent, held, ends_at) VALUES (?, 0, 0, ?)
    ON CONFLICT (name) DO UPDATE SET ends_at = max(ends_at, excluded.ends_at)
    RETURNING id, spent, held`,
} as const;
