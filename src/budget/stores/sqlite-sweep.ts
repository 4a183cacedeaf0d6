import type { StatementSync } from 'node:sqlite';
import type { BudgetFile } from './sqlite-acts.ts';
import { defaultKeepMs, defaultSettledMs, type StoreTerms } from './terms.ts';

/** Rows that one heartbeat looks through for what may be forgotten; with one every few seconds that is hundreds a second for each process. */
const rowsEachTime = 5000;

/** What a heartbeat does for all: charges what lost owners hold, and forgets what is long over. Within an act. */
export class Sweep {
  readonly #terms: StoreTerms;
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;
  #cursor = '';

  constructor(file: BudgetFile, terms: StoreTerms) {
    this.#terms = terms;
    this.#statements = file.prepareAll(sql);
  }

  /** Returns how many holds were charged. */
  run(leaseMs: number): number {
    const now = this.#terms.clock.now();
    // Where the clock was set back, a lease would else outlive its owner by as much.
    this.#statements.shorten.run(now + leaseMs, now + leaseMs);
    const lapsed = this.#statements.lapsed.all(now).map((row) => Number(row['id']));
    let charged = 0;
    for (const owner of lapsed) charged += this.#chargeAll(owner, now);
    if (lapsed.length > 0) this.#statements.dropOwners.run();
    this.#forget(now);
    return charged;
  }

  #chargeAll(owner: number, now: number): number {
    const rows = this.#statements.holdsOf.all(owner);
    for (const row of rows) {
      const amount = Number(row['amount']);
      for (const account of String(row['accounts']).split(',')) {
        this.#statements.charge.run(amount, amount, Number(account));
      }
      this.#statements.markCharged.run(now, String(row['id']));
    }
    this.#statements.endLease.run(owner);
    return rows.length;
  }

  #forget(now: number): void {
    const { settledMs = defaultSettledMs, keepMs = defaultKeepMs } = this.#terms;
    if (this.#cursor === '') {
      this.#statements.dropClaims.run(now);
      this.#statements.dropAccounts.run(now - keepMs);
    }
    const until = this.#statements.cursor.get(this.#cursor, rowsEachTime);
    const last = until === undefined ? undefined : String(until['id']);
    this.#statements.dropHolds.run(this.#cursor, last ?? null, now - settledMs, now - keepMs);
    this.#cursor = last ?? '';
  }
}

const sql = {
  shorten: 'UPDATE owners SET lease_until = ? WHERE lease_until > ?',
  lapsed: 'SELECT id FROM owners WHERE lease_until > 0 AND lease_until <= ?',
  holdsOf: 'SELECT id, amount, accounts FROM holds WHERE owner = ? AND state = 0',
  charge: `
    UPDATE balances SET held = held - ?, spent = min(${Number.MAX_SAFE_INTEGER}, spent + ?) WHERE id = ?`,
  markCharged: 'UPDATE holds SET state = 1, since = ? WHERE id = ?',
  endLease: 'UPDATE owners SET lease_until = 0 WHERE id = ?',
  dropOwners: `
    DELETE FROM owners WHERE lease_until = 0 AND id NOT IN (SELECT owner FROM holds WHERE state < 2)`,
  dropClaims: 'DELETE FROM claims WHERE until <= ?',
  dropAccounts: `
    DELETE FROM accounts WHERE ends_at <= ?
    AND NOT EXISTS (SELECT 1 FROM balances WHERE balances.id = accounts.id AND held <> 0)`,
  cursor: 'SELECT id FROM holds WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?',
  dropHolds: `
    DELETE FROM holds WHERE id > ?1 AND (?2 IS NULL OR id <= ?2)
    AND ((state = 2 AND since <= ?3) OR (state = 1 AND since <= ?4))`,
} as const;
