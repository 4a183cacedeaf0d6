import type { Signals } from '../../kernel/signals.ts';
import type { RedisLink, RedisScript } from '../../services/redis.ts';
import type {
  Balance,
  BudgetStore,
  HoldRequest,
  HoldVerdict,
  OpenHold,
  SettleOutcome,
} from '../store.ts';
import { balancesIn, holdsIn, pairs } from './redis-answers.ts';
import { OwnHolds } from './redis-own-holds.ts';
import { RedisAsker, storeFault, Unanswered } from './redis-asker.ts';
import * as scripts from './redis-scripts.ts';
import { endOf, notOpen, RedisSession } from './redis-session.ts';
import {
  checkAmount,
  checkFlag,
  checkName,
  checkRequest,
  defaultKeepMs,
  defaultLeaseMs,
  defaultSettledMs,
  type StoreTerms,
} from './terms.ts';

export interface RedisStoreOptions extends StoreTerms {
  readonly link: RedisLink;
  readonly signals: Signals;
  /**
   * Names the ledger that this process books to, by letters, digits, `_`, `.` and `-`: the same for all processes with a common ledger, and for no
   * others. What Redis forgets is restored for each ledger by itself, since none of them knows what the others have.
   */
  readonly ledger: string;
  /** Tells installations on one Redis apart (`economizer`). */
  readonly prefix?: string | undefined;
  /** How long one act may take, in milliseconds (500). */
  readonly deadlineMs?: number | undefined;
  /**
   * How long nothing is held anew after Redis came back, or came up empty, in milliseconds (10,000): in that time every live process must
   * have joined again and restored what it knows, so it must be twice as long as heartbeats are apart.
   */
  readonly settleMs?: number | undefined;
  /** After so many failures in a row (5) Redis is left alone ... */
  readonly failuresMax?: number | undefined;
  /** ... for so many milliseconds (1000). */
  readonly coolDownMs?: number | undefined;
}

/** Every so many heartbeats all holds are looked through for owners that are gone. */
const thoroughBeat = 10;

/**
 * Counts in Redis, for all gateways that share it; each act is one script and one round trip. All keys of an installation share one hash tag,
 * `{PREFIX:budgets}`: a call may draw on budgets of a tenant and of the whole installation, and in a cluster only one slot can be changed
 * atomically. Time is the server's.
 *
 * Where Redis cannot be asked every act is refused, at once after some failures. What Redis forgets (a restart without its last
 * acts, a failover, an empty data set) is noticed by the generation, see `redis-prelude.ts`: every process then joins again, holds again
 * what it held, settles what it could not settle, and restores what its ledger knows, before anyone may hold anew.
 */
export function createRedisBudgetStore(options: RedisStoreOptions): RedisBudgetStore {
  return new RedisBudgetStore(options);
}

export class RedisBudgetStore implements BudgetStore {
  readonly name = 'redis';
  readonly #options: RedisStoreOptions;
  readonly #session: RedisSession;
  readonly #own = new OwnHolds();
  readonly #leaseMs: number;
  readonly #keepMs: number;
  readonly #settleMs: number;
  #beats = 0;
  #isClosed = false;

  constructor(options: RedisStoreOptions) {
    if (!/^[\w.-]{1,100}$/.test(options.ledger)) throw storeFault('its ledger has no plain name.');
    this.#options = options;
    const { deadlineMs = 500, failuresMax = 5, coolDownMs = 1000 } = options;
    const { settledMs = defaultSettledMs } = options;
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs;
    this.#keepMs = options.keepMs ?? defaultKeepMs;
    this.#settleMs = options.settleMs ?? 10_000;
    this.#session = new RedisSession(
      {
        ...options,
        asker: new RedisAsker({ ...options, deadlineMs, failuresMax, coolDownMs }),
        base: `{${options.prefix ?? 'economizer'}:budgets}:`,
        leaseMs: this.#leaseMs,
        keepMs: this.#keepMs,
        settleMs: this.#settleMs,
        settledMs,
      },
      this.#own,
    );
  }

  onForgotten(rebuild: () => Promise<void>): void {
    this.#session.rebuild = rebuild;
  }

  /** Joins, and resolves when this store may hold. @throws EconomizerError `ECO_BUDGET_STORE` where it cannot yet after `ms`. */
  async whenOpen(ms: number): Promise<void> {
    const { clock } = this.#options;
    const deadline = clock.tick() + ms;
    for (;;) {
      const opensIn = await this.#session.opensIn();
      if (opensIn === 0) return;
      if (clock.tick() >= deadline) throw notOpen();
      await new Promise<void>((resolve) => clock.after(Math.min(opensIn ?? 20, ms), resolve));
      if (opensIn !== undefined) return;
    }
  }

  async hold(request: HoldRequest): Promise<HoldVerdict> {
    checkRequest(request);
    const { id, amount, atLeast = amount, lines } = request;
    if (this.#own.isFull || this.#own.undo.has(id)) {
      throw storeFault('earlier holds that Redis did not answer are not undone yet.');
    }
    const least = String(Math.min(atLeast, amount));
    const words = [`${this.#leaseMs}`, `${this.#keepMs}`, this.#options.ledger, id];
    words.push(String(amount), least);
    for (const { account, limit, hard, endsAt } of lines) {
      words.push(account, hard ? String(limit) : '-1', endOf(endsAt));
    }
    try {
      return this.#verdict(request, await this.#hold(id, words));
    } catch (error) {
      // It may have been done all the same; then it must not stay.
      if (error instanceof Unanswered) this.#own.undoLater(id);
      throw error;
    }
  }

  async settle(id: string, charged: number): Promise<SettleOutcome> {
    checkAmount(charged);
    this.#mustBeOpen();
    try {
      const [state, ...rest] = await this.#session.settle(id, charged);
      this.#own.settled(id, charged);
      return { state: state as SettleOutcome['state'], balances: balancesIn(rest) };
    } catch (error) {
      // The caller is told, and it is done all the same as soon as Redis is back.
      this.#own.settleLater(id, charged);
      throw error;
    }
  }

  async read(accounts: readonly string[]): Promise<readonly Balance[]> {
    const [, ...rest] = await this.#act(scripts.readScript, [], accounts);
    return balancesIn(rest);
  }

  async restore(account: string, spent: number, endsAt: number | undefined): Promise<void> {
    checkName(account);
    checkAmount(spent);
    const words = [`${this.#keepMs}`, this.#options.ledger, account, `${spent}`, endOf(endsAt)];
    await this.#act(scripts.restoreScript, ['ends'], words);
  }

  async heartbeat(): Promise<number> {
    const isThorough = this.#beats++ % thoroughBeat === 0 ? '1' : '0';
    const times = [this.#leaseMs, this.#keepMs, this.#settleMs].map(String);
    const words = [...times, isThorough];
    const [, charged] = await this.#act(scripts.heartbeatScript, ['holds', 'ends'], words);
    return Number(charged);
  }

  async openHolds(): Promise<readonly OpenHold[]> {
    return holdsIn(await this.#act(scripts.openHoldsScript, ['holds'], []));
  }

  async claim(name: string, until: number): Promise<boolean> {
    checkName(name);
    const words = [String(Math.ceil(until))];
    const [, won] = await this.#act(scripts.claimScript, [`claim:${name}`], words);
    return won === '1';
  }

  async setFlag(name: string, value: string | undefined): Promise<void> {
    checkFlag(name, value);
    await this.#act(scripts.setFlagScript, ['flags'], value === undefined ? [name] : [name, value]);
  }

  async flags(): Promise<ReadonlyMap<string, string>> {
    return new Map(pairs(await this.#act(scripts.flagsScript, ['flags'], [])));
  }

  /** Gives its lease up: what it still holds is charged by the next heartbeat of another. The link stays open. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#session.isJoined && this.#own.debts.size === 0) return;
    // Where this fails the lease ends by itself.
    await this.#session.act(scripts.leaveScript, [], []).catch(() => {});
  }

  #hold(id: string, words: readonly string[]): Promise<readonly string[]> {
    this.#mustBeOpen();
    return this.#session.act(scripts.holdScript, ['holds', 'ends', `settled:${id}`], words, true);
  }

  #verdict(request: HoldRequest, [state, value, ...rest]: readonly string[]): HoldVerdict {
    if (state === 'wait') throw notOpen();
    const balances = balancesIn(rest);
    if (state === 'short') return { held: false, short: value!, balances };
    this.#own.held(request, Number(value));
    return { held: true, amount: Number(value), balances };
  }

  async #act(
    script: RedisScript,
    names: readonly string[],
    words: readonly string[],
  ): Promise<readonly string[]> {
    this.#mustBeOpen();
    return this.#session.act(script, names, words);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw storeFault('it is closed.');
  }
}
