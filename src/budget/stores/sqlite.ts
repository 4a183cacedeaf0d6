import type { StatementSync } from 'node:sqlite';
import type {
  Awaitable,
  Balance,
  BudgetStore,
  HoldRequest,
  HoldVerdict,
  OpenHold,
  SettleOutcome,
} from '../store.ts';
import { Accounts, balancesOf, type Account } from './sqlite-accounts.ts';
import { BudgetFile } from './sqlite-acts.ts';
import { WriteAheadLog } from './sqlite-log.ts';
import { Sweep } from './sqlite-sweep.ts';
import { ActOfTurn } from './sqlite-turn.ts';
import {
  checkAmount,
  checkFlag,
  checkName,
  checkRequest,
  defaultLeaseMs,
  grantOf,
  type StoreTerms,
} from './terms.ts';

export interface SqliteStoreOptions extends StoreTerms {
  /** Is made where it is missing. All processes of one machine that count together name the same file; it must be on a local disk. */
  readonly path: string;
  /** How long an act tries while another process keeps the file locked, in milliseconds (2000). */
  readonly busyMs?: number | undefined;
}

interface HoldRow {
  readonly state: number;
  readonly amount: number;
  /** The numbers of its accounts. */
  readonly accounts: string;
}

/** A hold that this process made, as it is in the file as long as nobody else writes. */
interface OwnHold {
  readonly amount: number;
  readonly accounts: string;
  readonly version: number;
}

/** Holds of this process that are kept in mind. */
const ownMax = 10_000;

/** States of a hold in the file. */
const heldState = 0;
const chargedState = 1;
const settledState = 2;

/**
 * Counts in a file that several processes of one machine share. What is asked to be held and settled in one turn of the event loop is one transaction, at its
 * end; where another process is writing, a little later. The file survives the death of any process; a power cut can lose the last acts (those since the log
 * was last copied into the file), which then come back from the ledger through `restore`.
 * @throws EconomizerError `ECO_BUDGET_FILE` if the file cannot be opened.
 */
export function createSqliteBudgetStore(options: SqliteStoreOptions): BudgetStore {
  return new SqliteBudgetStore(options);
}

class SqliteBudgetStore implements BudgetStore {
  readonly name = 'sqlite';
  readonly #terms: SqliteStoreOptions;
  readonly #leaseMs: number;
  readonly #file: BudgetFile;
  readonly #sweep: Sweep;
  readonly #log: WriteAheadLog;
  readonly #accounts: Accounts;
  readonly #own = new Map<string, OwnHold>();
  readonly #turn = new ActOfTurn((work) => this.#file.act(work));
  readonly #statements: Readonly<Record<keyof typeof sql, StatementSync>>;
  #ownerNumber = -1;
  #leaseUntil = -Infinity;
  #closing: Promise<void> | undefined;

  constructor(options: SqliteStoreOptions) {
    this.#terms = options;
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs;
    this.#file = new BudgetFile(options);
    this.#accounts = new Accounts(this.#file);
    this.#file.onBegun = () => this.#accounts.begin();
    this.#file.onEnding = () => this.#accounts.write();
    this.#file.onUndone = () => {
      // Numbers that this act gave to an account or to this owner may be another's next time.
      this.#accounts.forget();
      this.#leaseUntil = -Infinity;
    };
    this.#log = new WriteAheadLog(options.path);
    this.#sweep = new Sweep(this.#file, options);
    this.#statements = this.#file.prepareAll(sql);
  }

  hold(request: HoldRequest): Promise<HoldVerdict> {
    checkRequest(request);
    return this.#turn.add(() => this.#hold(request));
  }

  settle(id: string, charged: number): Promise<SettleOutcome> {
    checkAmount(charged);
    return this.#turn.add(() => this.#settle(id, charged));
  }

  read(accounts: readonly string[]): Awaitable<readonly Balance[]> {
    return this.#file.look(() => accounts.map((account) => this.#balance(account)));
  }

  restore(account: string, spent: number, endsAt: number | undefined): Awaitable<void> {
    checkName(account);
    checkAmount(spent);
    return this.#file.act(() => {
      const [known] = this.#accounts.of([{ account, endsAt }]);
      this.#accounts.change(known!, 0, Math.max(0, spent - known!.spent));
    });
  }

  heartbeat(): Awaitable<number> {
    this.#log.tend();
    return this.#file.act(() => {
      this.#renewLease();
      this.#accounts.write();
      const charged = this.#sweep.run(this.#leaseMs);
      // It may have charged and dropped accounts.
      this.#accounts.forget();
      return charged;
    });
  }

  openHolds(): Awaitable<readonly OpenHold[]> {
    return this.#file.look(() =>
      this.#statements.openHolds.all().map((row) => ({
        id: String(row['id']),
        amount: Number(row['amount']),
        accounts: this.#accounts.names(numbersIn(String(row['accounts']))),
        owner: String(row['owner']),
        state: row['state'] === heldState ? 'held' : 'charged',
      })),
    );
  }

  claim(name: string, until: number): Awaitable<boolean> {
    checkName(name);
    return this.#file.act(() => {
      const { changes } = this.#statements.claim.run(name, until, this.#terms.clock.now());
      return changes === 1;
    });
  }

  setFlag(name: string, value: string | undefined): Awaitable<void> {
    checkFlag(name, value);
    return this.#file.act(() => {
      if (value === undefined) this.#statements.dropFlag.run(name);
      else this.#statements.setFlag.run(name, value);
    });
  }

  flags(): Awaitable<ReadonlyMap<string, string>> {
    return this.#file.look(() => {
      const rows = this.#statements.flags.all();
      return new Map(rows.map((row) => [String(row['name']), String(row['value'])]));
    });
  }

  /** Gives its lease up: what it still holds is charged by the next heartbeat of another. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      // The last of its turn: what was asked before is done then.
      await this.#turn.add(() => this.#statements.giveUp.run(this.#ownerNumber));
    } finally {
      await this.#log.close();
      this.#file.close();
    }
  }

  #hold(request: HoldRequest): HoldVerdict {
    const { id, lines } = request;
    const now = this.#terms.clock.now();
    const renewAt = this.#leaseUntil - this.#leaseMs / 2;
    // Also where the clock was set back: others have shortened the lease then.
    if (now > renewAt || now < this.#leaseUntil - this.#leaseMs) this.#renewLease();
    const accounts = this.#accounts.of(lines);
    const grant = grantOf(request, accounts);
    const amount = typeof grant === 'string' ? this.#known(id) : this.#insert(id, grant, accounts);
    const balances = balancesOf(accounts);
    if (amount !== undefined) return { held: true, amount, balances };
    return { held: false, short: String(grant), balances };
  }

  /** Writes the hold down, and returns its amount: another than `amount` if the id is known already. */
  #insert(id: string, amount: number, accounts: readonly Account[]): number {
    const numbers = accounts.map(({ number }) => number).join(',');
    const insert = () =>
      this.#statements.insertHold.run(id, amount, numbers, this.#ownerNumber).changes === 1;
    if (!insert()) {
      const known = this.#known(id);
      if (known !== undefined) return known;
      // Somebody has taken this owner for lost, although it lives.
      this.#renewLease();
      insert();
    }
    for (const account of accounts) this.#accounts.change(account, amount, 0);
    if (this.#own.size >= ownMax) this.#own.clear();
    this.#own.set(id, { amount, accounts: numbers, version: this.#accounts.version });
    return amount;
  }

  #known(id: string): number | undefined {
    return (this.#statements.findHold.get(id) as HoldRow | undefined)?.amount;
  }

  #settle(id: string, charged: number): SettleOutcome {
    const hold = this.#found(id);
    if (hold === undefined) return { state: 'unknown', balances: [] };
    const accounts = this.#accounts.numbered(numbersIn(hold.accounts));
    const isOver = hold.state === settledState;
    if (!isOver) {
      const isHeld = hold.state === heldState;
      const held = isHeld ? hold.amount : 0;
      const spent = isHeld ? charged : charged - hold.amount;
      for (const account of accounts) this.#accounts.change(account, -held, spent);
      this.#statements.endHold.run(this.#terms.clock.now(), id);
    }
    return { state: isOver ? 'already' : 'settled', balances: balancesOf(accounts) };
  }

  /** The hold of this id, from the file unless this process made it and nobody has written since. */
  #found(id: string): HoldRow | undefined {
    const own = this.#own.get(id);
    this.#own.delete(id);
    if (own?.version === this.#accounts.version) return { ...own, state: heldState };
    return this.#statements.findHold.get(id) as HoldRow | undefined;
  }

  #balance(account: string): Balance {
    const row = this.#statements.byName.get(account);
    return { account, spent: Number(row?.['spent'] ?? 0), held: Number(row?.['held'] ?? 0) };
  }

  #renewLease(): void {
    const until = this.#terms.clock.now() + this.#leaseMs;
    this.#ownerNumber = Number(this.#statements.renew.get(this.#terms.owner, until)!['id']);
    this.#leaseUntil = until;
  }
}

function numbersIn(text: string): number[] {
  return text.split(',').map(Number);
}

const sql = {
  byName: 'SELECT spent, held FROM accounts JOIN balances USING (id) WHERE name = ?',
  // A lease that was given up is not taken back by its number: whoever lives takes a new one.
  insertHold: `
    INSERT OR IGNORE INTO holds (id, state, amount, accounts, owner)
    SELECT ?, ${heldState}, ?, ?, id FROM owners WHERE id = ? AND lease_until > 0`,
  findHold: 'SELECT state, amount, accounts FROM holds WHERE id = ?',
  endHold: `UPDATE holds SET state = ${settledState}, since = ? WHERE id = ?`,
  openHolds: `
    SELECT holds.id, state, amount, accounts, owners.name AS owner
    FROM holds JOIN owners ON owners.id = holds.owner WHERE state <= ${chargedState}`,
  renew: `
    INSERT INTO owners (name, lease_until) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET lease_until = excluded.lease_until RETURNING id`,
  giveUp: 'UPDATE owners SET lease_until = 1 WHERE id = ? AND lease_until > 0',
  claim: `
    INSERT INTO claims (name, until) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET until = excluded.until WHERE claims.until <= ?`,
  setFlag: `
    INSERT INTO flags (name, value) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  dropFlag: 'DELETE FROM flags WHERE name = ?',
  flags: 'SELECT name, value FROM flags',
} as const;
