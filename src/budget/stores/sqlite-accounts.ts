import type { StatementSync } from 'node:sqlite';
import type { AccountLine, Balance } from '../store.ts';
import type { BudgetFile } from './sqlite-acts.ts';
import { exactSum } from './terms.ts';

const knownMax = 10_000;

/** An account as it stands in the file, within the act that asked for it. */
export interface Account extends Balance {
  readonly number: number;
  spent: number;
  held: number;
}

interface Known extends Account {
  readonly endsAt: number | undefined;
  /** The version of the file of which its balance is. */
  version: number;
  isChanged: boolean;
}

type Ending = Pick<AccountLine, 'account' | 'endsAt'>;

/**
 * The accounts of the file, and how they stand. A balance is read once, and again when another process has written: within an act nobody
 * else can, and SQLite says whether somebody has since the last one. What an act changes is written down at its end, once for each account.
 */
export class Accounts {
  readonly #file: BudgetFile;
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;
  readonly #dataVersion: StatementSync;
  readonly #byName = new Map<string, Known>();
  readonly #byNumber = new Map<number, Known>();
  #changed: Known[] = [];
  #fileVersion: unknown;
  #version = 0;

  constructor(file: BudgetFile) {
    this.#file = file;
    this.#statements = file.prepareAll(sql);
    this.#dataVersion = file.statement('data_version', () => 'PRAGMA data_version');
  }

  /** To be called first in each act. */
  begin(): void {
    const [version] = this.#dataVersion.get() as unknown as readonly [number];
    if (version === this.#fileVersion) return;
    this.#fileVersion = version;
    this.#version++;
  }

  /** Goes up whenever others may have written, or what is known here may be wrong. */
  get version(): number {
    return this.#version;
  }

  /** The accounts of these lines, in order; those that are missing are made. */
  of(lines: readonly Ending[]): readonly Account[] {
    const found = this.#current(lines.map((line) => this.#known(line)));
    if (found.length === lines.length) return found;
    // One of them was forgotten, by another process perhaps.
    this.write();
    this.forget();
    return this.of(lines);
  }

  /** The accounts with these numbers, in order; without those that were forgotten. */
  numbered(numbers: readonly number[]): readonly Account[] {
    const found: Known[] = [];
    for (const number of numbers) {
      const account = this.#numbered(number);
      if (account !== undefined) found.push(account);
    }
    return this.#current(found);
  }

  /** Within an act. Nothing falls below zero or passes 2^53 - 1. */
  change(account: Account, held: number, spent: number): void {
    account.held += held;
    account.spent = Math.max(0, exactSum(account.spent, spent));
    const known = account as Known;
    if (known.isChanged) return;
    known.isChanged = true;
    this.#changed.push(known);
  }

  /** Writes what was changed; to be called before an act ends, or goes by the file itself. */
  write(): void {
    for (const account of this.#changed) {
      this.#statements.write.run(account.spent, account.held, account.number);
      account.isChanged = false;
    }
    this.#changed.length = 0;
  }

  /** What is known of accounts may be wrong. */
  forget(): void {
    this.#byName.clear();
    this.#byNumber.clear();
    this.#changed = [];
    this.#version++;
  }

  /** Names of the accounts with these numbers, in order; without those that were forgotten. */
  names(numbers: readonly number[]): string[] {
    return numbers.flatMap((number) => {
      const row = this.#statements.byNumber.get(number);
      return row === undefined ? [] : [String(row['name'])];
    });
  }

  #current(accounts: readonly Known[]): readonly Account[] {
    for (const { version } of accounts) {
      if (version !== this.#version) return this.#read(accounts);
    }
    return accounts;
  }

  /** One row for all accounts: a row for each would cost twice as much to read. */
  #read(accounts: readonly Known[]): readonly Account[] {
    const row = this.#reading(accounts.length).get(...accounts.map(({ number }) => number));
    if (row === undefined) {
      return accounts.length === 1 ? [] : accounts.flatMap((account) => this.#read([account]));
    }
    const values = row as unknown as readonly number[];
    for (const [index, account] of accounts.entries()) {
      // What was changed in this act is not in the file yet.
      if (account.version === this.#version) continue;
      account.spent = values[2 * index]!;
      account.held = values[2 * index + 1]!;
      account.version = this.#version;
    }
    return accounts;
  }

  #reading(count: number): StatementSync {
    return this.#file.statement(`balances ${count}`, () => {
      const each = Array.from({ length: count }, (_, index) => `a${index}`);
      const columns = each.map((name) => `${name}.spent, ${name}.held`).join(', ');
      const tables = each.map((name) => `balances ${name}`).join(', ');
      const places = each.map((name) => `${name}.id = ?`).join(' AND ');
      return `SELECT ${columns} FROM ${tables} WHERE ${places}`;
    });
  }

  #known({ account, endsAt }: Ending): Known {
    const known = this.#byName.get(account);
    if (known !== undefined && known.endsAt === endsAt) return known;
    const number = Number(this.#statements.make.get(account, endsAt ?? null)!['id']);
    return this.#keep(number, account, endsAt);
  }

  #numbered(number: number): Known | undefined {
    const known = this.#byNumber.get(number);
    if (known !== undefined) return known;
    const row = this.#statements.byNumber.get(number);
    if (row === undefined) return undefined;
    return this.#keep(number, String(row['name']), (row['ends_at'] as number | null) ?? undefined);
  }

  #keep(number: number, account: string, endsAt: number | undefined): Known {
    const before = this.#byNumber.get(number);
    // The same account with another end: what this act has changed of it must not be lost.
    if (before?.isChanged === true) this.write();
    if (this.#byName.size >= knownMax) {
      this.write();
      this.forget();
    }
    const known = { number, account, endsAt, spent: 0, held: 0, version: -1, isChanged: false };
    this.#byName.set(account, known);
    this.#byNumber.set(number, known);
    return known;
  }
}

/** Copies, for those who asked: the accounts themselves go on changing. */
export function balancesOf(accounts: readonly Account[]): Balance[] {
  return accounts.map(({ account, spent, held }) => ({ account, spent, held }));
}

const sql = {
  byNumber: 'SELECT name, ends_at FROM accounts WHERE id = ?',
  write: 'UPDATE balances SET spent = ?, held = ? WHERE id = ?',
  // The later end counts, and never (null) is the latest.
  make: `
    INSERT INTO accounts (name, ends_at) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET ends_at = max(ends_at, excluded.ends_at) RETURNING id`,
} as const;
