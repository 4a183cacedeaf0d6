import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import type {
  Balance,
  BudgetStore,
  HoldRequest,
  HoldVerdict,
  OpenHold,
  SettleOutcome,
} from '../store.ts';
import { LocalHolds } from './local-holds.ts';
import { Reserve, type Drawn } from './reserve.ts';

export interface LocalShareOptions {
  readonly clock: Clock;
  readonly signals: Signals;
  /** As the store's. */
  readonly owner: string;
  /** The part, above 0 and at most 0.5, of what is left of a limit that this process sets aside. */
  readonly share: number;
}

/** Accounts that something is set aside on; of those that calls drew on last. */
const accountsMax = 200;
/** An account that nobody drew on for so long needs nothing set aside. */
const idleMs = 10 * 60_000;
/** A reserve is made anew so often: where others took this process for lost meanwhile, the store has charged it. */
const reserveAgeMs = 60_000;

/**
 * Lets a process go on for a while when its store cannot be asked. While it can, the process sets aside a share of what is left on each account
 * that its calls draw on: as a hold in the store, so that all shares together with all that is spent and held never pass the limit,
 * whoever joins or leaves. When the store is lost, calls are held against these reserves, all hard lines or none; where one has no reserve
 * the call is refused as without a share. When the store is back the reserves are settled with what was spent. If the process dies, its
 * reserves are charged like all its holds. A fixed part of the limit for each process would need no hold, but nobody knows then how
 * much of it others have spent: only what is held in the store is surely free.
 */
export function withLocalShare(store: BudgetStore, options: LocalShareOptions): BudgetStore {
  return new LocalShareStore(store, options);
}

class LocalShareStore implements BudgetStore {
  readonly name: string;
  readonly #store: BudgetStore;
  readonly #options: LocalShareOptions;
  readonly #drawn = new Map<string, Drawn>();
  readonly #reserves = new Map<string, Reserve>();
  /** Reserves that calls drew on: given back when these have ended. */
  readonly #retired = new Set<Reserve>();
  readonly #local = new LocalHolds();
  #reservesMade = 0;
  #isLost = false;
  /** The store was out of reach, so that others may have taken this process for lost. */
  #mayBeCharged = false;

  constructor(store: BudgetStore, options: LocalShareOptions) {
    if (!(options.share > 0 && options.share <= 0.5)) {
      throw new RangeError('A local share is above 0 and at most 0.5.');
    }
    this.name = store.name;
    this.#store = store;
    this.#options = options;
  }

  async hold(request: HoldRequest): Promise<HoldVerdict> {
    const known = this.#local.find(request.id);
    if (known !== undefined) {
      return { held: true, amount: known.amount, balances: this.#balances(request) };
    }
    try {
      const verdict = await this.#holdInStore(request);
      this.#heal();
      return verdict;
    } catch (error) {
      if (!isStoreFault(error)) throw error;
      const verdict = this.#holdLocally(request);
      if (verdict === undefined) throw error;
      this.#lose(error);
      return verdict;
    }
  }

  async settle(id: string, charged: number): Promise<SettleOutcome> {
    return this.#local.settle(id, charged) ?? (await this.#store.settle(id, charged));
  }

  /** Beats the store's heart, and sets reserves right: used ones are settled, the others follow what is left. */
  async heartbeat(): Promise<number> {
    let charged: number;
    try {
      charged = await this.#store.heartbeat();
    } catch (error) {
      this.#mayBeCharged = true;
      throw error;
    }
    this.#heal();
    await this.#settleUsed();
    await this.#bookSoft();
    await this.#adjust();
    return charged;
  }

  onForgotten(rebuild: () => Promise<void>): void {
    this.#store.onForgotten?.(async () => {
      // What the ledger knows already must be in the store before, or it is counted twice.
      await this.#settleUsed();
      await rebuild();
    });
  }

  async read(accounts: readonly string[]): Promise<readonly Balance[]> {
    return this.#store.read(accounts);
  }

  async restore(account: string, spent: number, endsAt: number | undefined): Promise<void> {
    await this.#store.restore(account, spent, endsAt);
  }

  async openHolds(): Promise<readonly OpenHold[]> {
    return this.#store.openHolds();
  }

  async claim(name: string, until: number): Promise<boolean> {
    return this.#store.claim(name, until);
  }

  async setFlag(name: string, value: string | undefined): Promise<void> {
    await this.#store.setFlag(name, value);
  }

  async flags(): Promise<ReadonlyMap<string, string>> {
    return this.#store.flags();
  }

  /** Gives all reserves back. */
  async close(): Promise<void> {
    try {
      await this.#settleUsed();
      await this.#bookSoft();
      for (const account of this.#reserves.keys()) await this.#release(account);
    } catch {
      // What is not given back is charged when the lease of this process is over.
    }
    await this.#store.close();
  }

  async #holdInStore(request: HoldRequest): Promise<HoldVerdict> {
    const verdict = await this.#store.hold(request);
    this.#note(request, verdict.balances);
    if (verdict.held) return verdict;
    const reserved = request.lines.filter(({ account }) => this.#reserves.has(account));
    if (reserved.length === 0) return verdict;
    // What was set aside is for calls like this one.
    for (const { account } of reserved) await this.#release(account);
    return this.#store.hold(request);
  }

  #holdLocally(request: HoldRequest): HoldVerdict | undefined {
    const least = Math.min(request.atLeast ?? request.amount, request.amount);
    let grant = request.amount;
    const reserves: Reserve[] = [];
    for (const { account, hard } of request.lines) {
      if (!hard) continue;
      const reserve = this.#reserves.get(account);
      if (reserve === undefined || reserve.left < least) return undefined;
      grant = Math.min(grant, reserve.left);
      reserves.push(reserve);
    }
    this.#local.hold(request, grant, reserves);
    return { held: true, amount: grant, balances: this.#balances(request) };
  }

  #balances({ lines }: HoldRequest): readonly Balance[] {
    return lines.map(({ account }) => {
      const nothing = { account, spent: 0, held: 0 };
      const known = this.#drawn.get(account)?.balance ?? nothing;
      return this.#reserves.get(account)?.balance() ?? known;
    });
  }

  #note({ lines }: HoldRequest, balances: readonly Balance[]): void {
    const at = this.#options.clock.tick();
    for (const [index, line] of lines.entries()) {
      const balance = balances[index];
      if (!line.hard || balance === undefined) continue;
      // Deleted first, so that those drawn on last stand last.
      this.#drawn.delete(line.account);
      this.#drawn.set(line.account, { line, balance, at });
    }
    while (this.#drawn.size > accountsMax) this.#drawn.delete(this.#drawn.keys().next().value!);
  }

  async #adjust(): Promise<void> {
    const oldest = this.#options.clock.tick() - idleMs;
    for (const [account, { at }] of this.#drawn) if (at < oldest) this.#drawn.delete(account);
    for (const account of this.#reserves.keys()) {
      if (!this.#drawn.has(account)) await this.#release(account);
    }
    const balances = await this.#store.read([...this.#drawn.keys()]);
    await Promise.all(balances.map((balance) => this.#adjustOne(balance)));
    this.#mayBeCharged = false;
  }

  async #adjustOne({ account, spent, held }: Balance): Promise<void> {
    const drawn = this.#drawn.get(account);
    if (drawn === undefined) return;
    const { amount: has = 0, at = 0 } = this.#reserves.get(account) ?? {};
    const wants = Math.floor(this.#options.share * (drawn.line.limit - spent - held + has));
    const now = this.#options.clock.tick();
    const isFresh = now - at < reserveAgeMs && !this.#mayBeCharged;
    if (isFresh && wants <= 2 * has && 2 * wants >= has) return;
    await this.#release(account);
    if (wants <= 0 || this.#reserves.has(account)) return;
    const id = `share.${this.#options.owner}.${++this.#reservesMade}`;
    const verdict = await this.#store.hold({ id, amount: wants, atLeast: 1, lines: [drawn.line] });
    const known = verdict.balances[0];
    if (!verdict.held || known === undefined) return;
    this.#reserves.set(account, new Reserve(id, verdict.amount, known, now));
  }

  /** Gives a reserve back that nobody drew on; others are left for `#settleUsed`. */
  async #release(account: string): Promise<void> {
    const reserve = this.#reserves.get(account);
    if (reserve === undefined) return;
    this.#reserves.delete(account);
    if (reserve.isInUse || reserve.spent > 0) this.#retired.add(reserve);
    else await this.#store.settle(reserve.id, 0);
  }

  async #settleUsed(): Promise<void> {
    for (const [account, reserve] of this.#reserves) {
      if (!reserve.isInUse && reserve.spent === 0) continue;
      this.#reserves.delete(account);
      this.#retired.add(reserve);
    }
    for (const reserve of this.#retired) {
      if (reserve.isInUse) continue;
      await this.#store.settle(reserve.id, reserve.spent);
      this.#retired.delete(reserve);
    }
  }

  /** Counts on soft lines what was charged while the store was lost. */
  async #bookSoft(): Promise<void> {
    for (const { id, charged, lines } of this.#local.unbooked()) {
      await this.#store.hold({ id, amount: charged, lines });
      await this.#store.settle(id, charged);
      this.#local.booked(id);
    }
  }

  #lose(error: unknown): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#mayBeCharged = true;
    this.#options.signals.emit('part-failed', { part: 'budgets', operation: 'hold', error });
  }

  #heal(): void {
    if (!this.#isLost) return;
    this.#isLost = false;
    this.#options.signals.emit('part-healed', { part: 'budgets' });
  }
}

function isStoreFault(error: unknown): boolean {
  return EconomizerError.is(error) && error.code === 'ECO_BUDGET_STORE';
}
