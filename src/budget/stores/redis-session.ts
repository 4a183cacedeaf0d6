import type { RedisScript } from '../../services/redis.ts';
import type { Signals } from '../../kernel/signals.ts';
import { Unanswered, type RedisAsker, storeFault } from './redis-asker.ts';
import { holdsIn } from './redis-answers.ts';
import type { OwnHold, OwnHolds } from './redis-own-holds.ts';
import {
  holdAgainScript,
  joinScript,
  openHoldsScript,
  readyScript,
  settleScript,
  undoScript,
} from './redis-scripts.ts';

/** A time in which this process may act: from one join to the next failure. */
interface Membership {
  readonly token: string;
  /** False until this process has said what it knows to a generation that is new to it. */
  isReady: boolean;
}

export interface RedisSessionOptions {
  readonly asker: RedisAsker;
  readonly signals: Signals;
  readonly owner: string;
  readonly ledger: string;
  /** What stands before the names of all keys. */
  readonly base: string;
  readonly leaseMs: number;
  readonly keepMs: number;
  readonly settleMs: number;
  readonly settledMs: number;
}

/**
 * Speaks to Redis as an owner who has joined. After each failure it joins again under a new token, so that what is still on its way under
 * the old one can no longer act; then it undoes what it was not sure of, and tells a Redis that lost something what it knows.
 */
export class RedisSession {
  readonly own: OwnHolds;
  /** See `BudgetStore.onForgotten`. */
  rebuild: (() => Promise<void>) | undefined;
  readonly #options: RedisSessionOptions;
  #membership: Membership | undefined;
  #joining: Promise<Membership> | undefined;
  #joins = 0;
  #opensIn = 0;

  constructor(options: RedisSessionOptions, own: OwnHolds) {
    this.#options = options;
    this.own = own;
  }

  /** True while there is a membership that nothing has gone wrong with. */
  get isJoined(): boolean {
    return this.#membership !== undefined;
  }

  /** Joins if need be. Says in how many milliseconds holds may begin, as the server said then; undefined: what is known is being restored. */
  async opensIn(): Promise<number | undefined> {
    const { isReady } = this.#membership ?? (await this.#join());
    return isReady ? this.#opensIn : undefined;
  }

  /** Joins again, once, where Redis says that it must. @throws EconomizerError `ECO_BUDGET_STORE`. */
  async act(
    script: RedisScript,
    names: readonly string[],
    words: readonly string[],
    toHold = false,
  ): Promise<readonly string[]> {
    for (let tries = 0; tries < 2; tries++) {
      const membership = this.#membership ?? (await this.#join());
      if (toHold && !membership.isReady) throw notOpen();
      const reply = await this.#ask(script, names, [membership.token, ...words]);
      if (reply[0] !== 'join') return reply;
      if (this.#membership === membership) this.#membership = undefined;
    }
    throw notOpen();
  }

  async settle(id: string, charged: number): Promise<readonly string[]> {
    const membership = this.#membership ?? (await this.#join());
    const own = this.own.open.get(id);
    // Redis may have lost it, and its turn to be held again has not come.
    if (!membership.isReady && own !== undefined) await this.#holdAgain(id, own);
    const words = [id, String(charged), String(this.#options.settledMs)];
    return this.act(settleScript, ['holds', `settled:${id}`], words);
  }

  #join(): Promise<Membership> {
    this.#joining ??= this.#joinNow().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  async #joinNow(): Promise<Membership> {
    const { leaseMs, settleMs } = this.#options;
    const token = String(++this.#joins);
    const [isKnown, opensIn, run = '', evicts = ''] = await this.#ask(
      joinScript,
      [],
      [token, String(leaseMs), String(settleMs)],
    );
    this.#warn(run, evicts);
    const membership = { token, isReady: isKnown === '1' };
    this.#opensIn = Number(opensIn);
    this.#membership = membership;
    void this.#catchUp(membership).catch((error: unknown) => {
      if (this.#membership === membership) this.#membership = undefined;
      if (error instanceof Unanswered) return; // whoever asks next is told
      const { signals } = this.#options;
      signals.emit('part-failed', { part: 'budgets', operation: 'restore', error });
    });
    return membership;
  }

  /** Tells, once, of a server that can forget without our noticing. */
  #warn(run: string, evicts: string): void {
    if (this.#joins > 1) return;
    const { signals } = this.#options;
    if (run === 'unknown') {
      const text =
        'Redis refuses INFO to this user, so that a restart with old data goes unnoticed: allow it, or budgets can be passed then.';
      signals.emit('notice', { text });
    }
    if (evicts !== 'noeviction' && evicts !== 'unknown') {
      const text = `Redis deletes keys when its memory is full (maxmemory-policy ${evicts}): set it to noeviction, or it refuses calls under hard budgets whenever it has deleted them.`;
      signals.emit('notice', { text });
    }
  }

  /** In this order: what the ledger knows already is in what was settled, and must not be counted twice. */
  async #catchUp(membership: Membership): Promise<void> {
    const { open, debts, undo } = this.own;
    const undone = [...undo];
    if (undone.length > 0) {
      await this.act(undoScript, ['holds'], undone);
      this.own.undone(undone);
    }
    if (!membership.isReady) {
      for (const [id, hold] of open) await this.#holdAgain(id, hold);
    }
    for (const [id, charged] of debts) {
      await this.settle(id, charged);
      this.own.settled(id, charged);
    }
    if (membership.isReady) return;
    await this.#settleAgain();
    await this.rebuild?.();
    const [state] = await this.#ask(
      readyScript,
      [],
      [membership.token, String(this.#options.leaseMs)],
    );
    if (state !== 'ok') throw new Unanswered('Redis was started again just now.');
    membership.isReady = true;
  }

  /** Holds of this process that it has settled, and an old data set has not. */
  async #settleAgain(): Promise<void> {
    const { open, lately, undo } = this.own;
    const held = holdsIn(await this.act(openHoldsScript, ['holds'], []));
    for (const { id, amount, owner } of held) {
      if (owner !== this.#options.owner || open.has(id) || undo.has(id)) continue;
      // What was charged so long ago the ledger has; without one the whole hold is charged.
      await this.settle(id, lately.get(id) ?? (this.rebuild === undefined ? amount : 0));
    }
  }

  async #holdAgain(id: string, { amount, lines }: OwnHold): Promise<void> {
    const { keepMs, ledger } = this.#options;
    const words = [String(keepMs), ledger, id, String(amount)];
    for (const { account, endsAt } of lines) words.push(account, endOf(endsAt));
    await this.act(holdAgainScript, ['holds', 'ends', `settled:${id}`], words);
  }

  async #ask(
    script: RedisScript,
    names: readonly string[],
    words: readonly string[],
  ): Promise<readonly string[]> {
    const { asker, owner, base } = this.#options;
    const keys = ['accounts', 'owners', ...names].map((name) => `${base}${name}`);
    try {
      return await asker.ask(script, keys, [owner, ...words]);
    } catch (error) {
      this.#membership = undefined;
      throw error;
    }
  }
}

export function endOf(endsAt: number | undefined): string {
  return endsAt === undefined ? '-' : String(Math.ceil(endsAt));
}

export function notOpen(): Error {
  return storeFault('Redis came up just now; what was spent is being restored.');
}
