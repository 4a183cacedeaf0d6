import type { StatementSync } from 'node:sqlite';
import type { AccountLine } from '../store.ts';
import type { BudgetFile } from './sqlite-acts.ts';

const knownMax = 10_000;

interface Known {
  readonly number: number;
  readonly endsAt: number | undefined;
}

/** Accounts as they stand in the file, in the order they were asked for. */
export interface Standing {
  readonly numbers: readonly number[];
  readonly balances: Balances;
}

type Balances = { readonly account: string; readonly spent: number; held: number }[];

type Ending = Pick<AccountLine, 'account' | 'endsAt'>;

/** Finds accounts in the file by their numbers, most of which are remembered. All of it within an act. */
export class Accounts {
  readonly #file: BudgetFile;
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;
  readonly #known = new Map<string, Known>();

  constructor(file: BudgetFile) {
    this.#file = file;
    this.#statements = file.prepareAll(sql);
  }

  /** Accounts that are missing are made. */
  standing(lines: readonly Ending[]): Standing {
    const numbers = lines.map((line) => this.number(line));
    const balances = this.balances(numbers);
    if (balances.length === lines.length) return { numbers, balances };
    // One of them was forgotten, by another process perhaps.
    this.#known.clear();
    return this.standing(lines);
  }

  /** Of the accounts with these numbers, in order; without those that were forgotten. */
  balances(numbers: readonly number[]): Balances {
    const row = this.#statementOver(numbers.length).get(...numbers);
    if (row === undefined) {
      return numbers.length === 1 ? [] : numbers.flatMap((number) => this.balances([number]));
    }
    const values = row as unknown as readonly (string & number)[];
    return numbers.map((_, index) => ({
      account: values[3 * index]!,
      spent: values[3 * index + 1]!,
      held: values[3 * index + 2]!,
    }));
  }

  /** The number of an account; it is made where it is missing. */
  number({ account, endsAt }: Ending): number {
    const known = this.#known.get(account);
    if (known !== undefined && known.endsAt === endsAt) return known.number;
    const number = Number(this.#statements.make.get(account, endsAt ?? null)!['id']);
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(account, { number, endsAt });
    return number;
  }

  /** What is remembered of numbers may be wrong. */
  forget(): void {
    this.#known.clear();
  }

  /** Names of the accounts with these numbers, in order; without those that were forgotten. */
  names(numbers: readonly number[]): string[] {
    return numbers.flatMap((number) => {
      const row = this.#statements.nameOf.get(number);
      return row === undefined ? [] : [String(row['name'])];
    });
  }

  /** One row for all accounts: a row for each would cost twice as much to read. */
  #statementOver(count: number): StatementSync {
    return this.#file.statement(`standing ${count}`, () => {
      const each = Array.from({ length: count }, (_, index) => `a${index}`);
      const columns = each.map((name) => `${name}.name, ${name}.spent, ${name}.held`).join(', ');
      const tables = each.map((name) => `accounts ${name}`).join(', ');
      const places = each.map((name) => `${name}.id = ?`).join(' AND ');
      return `SELECT ${columns} FROM ${tables} WHERE ${places}`;
    });
  }
}

const sql = {
  nameOf: 'SELECT name FROM accounts WHERE id = ?',
  // The later end counts, and never (null) is the latest.
  make: `
    INSERT INTO accounts (name, spent, held, ends_at) VALUES (?, 0, 0, ?)
    ON CONFLICT (name) DO UPDATE SET ends_at = max(ends_at, excluded.ends_at) RETURNING id`,
} as const;
