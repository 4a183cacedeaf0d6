import type { Bounds } from '../budget/cost-bound.ts';
import { needOf, tokensWithin, type Need, type OutputMode } from '../budget/need.ts';
import type { Touched } from '../budget/plan.ts';
import { shortOf, unbounded, uncapped } from '../budget/refusal.ts';
import type { Ceilings } from '../budget/ceilings.ts';
import { waitForRoom } from '../budget/wait-for-room.ts';
import type { Walls } from '../budget/walls.ts';
import type { BudgetPart, Counting } from '../exchange/account.ts';
import type { Call } from '../exchange/call.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import type { Clock } from '../kernel/clock.ts';
import { usdText, type NanoUsd } from '../kernel/money.ts';
import { announce, partOf } from './budget-notice.ts';
import { atMost, chargeOf, isUnbilled, type Attempt, type Bound } from './charge.ts';
import { note } from './note.ts';
import type { Next, Stage } from './stage.ts';
import { tapped } from './tap.ts';

/** What the wall is built of. */
export interface ReserveParts {
  readonly walls: Walls;
  readonly bounds: Bounds;
  readonly ceilings: Ceilings;
  readonly rules: ReserveRules;
}

interface ReserveOptions extends ReserveParts {
  readonly clock: Clock;
  /** The stage `book` is around this one, and pays what is due once it has the call's row. */
  readonly isBooked?: boolean | undefined;
}

export interface ReserveRules {
  readonly output: OutputMode;
  /** A clamped answer may have so many tokens at least. */
  readonly leastTokens: number;
  /** How long calls wait for others to settle, in milliseconds, where `output` is `wait`. */
  readonly waitMs: number;
  /** What an answer that broke off is charged: what it may be billed at most, or what was counted of it. */
  readonly broken: 'at-most' | 'counted';
}

/**
 * The wall: innermost but for `settle` and `send`, so that every attempt that a provider could bill passes it, whoever makes it. What the
 * attempt can cost at most is held from all budgets that it draws on, or it does not go out; afterwards its cost is charged in the hold's
 * place. What may have been billed and is not known is charged at its bound.
 */
export function createReserve(options: ReserveOptions): Stage {
  const { walls, bounds } = options;
  return async (call, next) => {
    const touched = walls.touched(call.caller, call.startedAt);
    if (touched.length === 0) return next(call);
    const bound = bounds.boundOf(call);
    if (bound.kind === 'free') return next(call);
    const ready = walls.whenReady();
    if (ready !== undefined) await readyFor(touched, ready);
    const part = partOf(call);
    const attempt = await reserve(call, { touched, bound, part }, options);
    return sent(call, next, attempt, options);
  };
}

/** Only hard budgets need to know what was spent before. */
function readyFor(touched: readonly Touched[], ready: Promise<void>): Promise<void> {
  return touched.some(({ hard }) => hard) ? ready : ready.catch(() => {});
}

interface Wish {
  readonly touched: readonly Touched[];
  readonly bound: Bound;
  readonly part: BudgetPart;
}

/** @throws EconomizerError `ECO_BUDGET`, `ECO_UNBOUNDED` or `ECO_BUDGET_STORE`. */
async function reserve(call: Call, wish: Wish, options: ReserveOptions): Promise<Attempt> {
  const { walls, rules, clock } = options;
  const { touched, bound, part } = wish;
  const need = needed(call, wish, options);
  const asking = { id: `${call.id}.${part.attempts++}`, touched, ...need };
  const waitMs = rules.output === 'wait' ? rules.waitMs : 0;
  const first = walls.hold(asking);
  let verdict = first instanceof Promise ? await first : first;
  if (!verdict.held && waitMs > 0) {
    verdict = await waitForRoom(call, { asking, short: verdict, waitMs, walls, clock });
  }
  part.counting = undefined;
  announce(part, walls, touched);
  if (!verdict.held) {
    note(call, 'reserve', `refused:${verdict.by.budget.id}`, clock);
    throw shortOf(verdict, need.atLeast ?? need.amount, clock.now());
  }
  const isClamped = need.atLeast !== undefined && verdict.amount < need.amount;
  if (!isClamped || bound.kind !== 'bounded') {
    note(call, 'reserve', `held:${usdText(verdict.amount)}`, clock);
    part.counting = countingOf(call, wish, Infinity);
    return { held: verdict, bound, part, cap: need.cap };
  }
  const cap = tokensWithin(bound, verdict.amount);
  part.outputCap = cap;
  part.counting = countingOf(call, wish, cap);
  note(call, 'reserve', `clamped:${cap}`, clock);
  return { held: verdict, bound, part, cap };
}

/** Streams that hard budgets hold for are counted. */
function countingOf({ facts }: Call, { touched, bound }: Wish, cap: number): Counting | undefined {
  if (bound.kind !== 'bounded' || facts?.stream !== true || !touched.some(({ hard }) => hard)) {
    return undefined;
  }
  const answers = facts.spend?.terms.answers ?? 1;
  const tokensMax = Math.min(cap, bound.outputCap) * answers;
  return { tokensMax, outputAtMost: undefined, outputTold: undefined };
}

function needed(call: Call, { touched, bound }: Wish, { rules, ceilings }: ReserveOptions): Need {
  const wall = touched.find(({ hard }) => hard);
  if (bound.kind === 'unbounded') {
    const amount = ceilings.of(call, bound.why);
    if (amount === undefined && wall !== undefined) throw unbounded(wall, bound.why);
    return { amount: amount ?? 0, atLeast: undefined, cap: undefined };
  }
  const need = needOf(bound, rules.output, rules.leastTokens);
  // Soft budgets only count: nothing that the caller asks for is changed for them.
  if (wall === undefined) {
    const limit = Math.max(...touched.map((each) => each.limit));
    return { amount: Math.min(need.amount, limit), atLeast: undefined, cap: undefined };
  }
  if (rules.output === 'refuse' && bound.capSetBy === 'model') throw uncapped(wall);
  return need;
}

async function sent(
  call: Call,
  next: Next,
  attempt: Attempt,
  options: ReserveOptions,
): Promise<Reply> {
  const came = call.body;
  const { cap } = attempt;
  const { reason } = call.cancellation;
  if (reason !== undefined) {
    conclude(call, attempt, 0, options);
    throw reason;
  }
  Object.assign(call.account, { status: undefined, sentTick: undefined }); // those of an attempt before
  if (cap !== undefined) call.body = options.bounds.capped(call, cap).body;
  try {
    return concluded(call, await next(call), attempt, options);
  } catch (error) {
    conclude(call, attempt, isUnbilled(call, error) ? 0 : attempt.held.amount, options);
    throw error;
  } finally {
    // Whoever compares what it sent with what it was given must not find our cap in it.
    if (cap !== undefined) call.body = came;
  }
}

/** The same reply, with its attempt settled when it is through. */
function concluded(call: Call, reply: Reply, attempt: Attempt, options: ReserveOptions): Reply {
  const { body } = reply;
  if (isWhole(body)) {
    // Of what is compressed the bytes say nothing.
    const isCoded = fieldOf(reply.headers, 'content-encoding') !== undefined;
    const bytes = isCoded ? undefined : body.length;
    conclude(call, attempt, chargeOf(call, reply, attempt, bytes), options);
    return reply;
  }
  const whole = (): void => conclude(call, attempt, chargeOf(call, reply, attempt), options);
  const tap = tapped(body, {
    end: whole,
    broken() {
      // A caller may hang up at the last event; then all is known.
      const isKnown = call.harvest?.final !== undefined && call.account.usageSource === 'provider';
      if (reply.status >= 400 || isKnown) whole();
      // What was counted may come later; the row is booked after it.
      else call.account.settling = brokenOff(call, attempt, options);
    },
  });
  return { ...reply, body: tap };
}

async function brokenOff(call: Call, attempt: Attempt, options: ReserveOptions): Promise<void> {
  const { account } = call;
  const counted = account.settling;
  const { amount } = attempt.held;
  const isCounted = options.rules.broken === 'counted';
  if (!isCounted) conclude(call, attempt, atMost(call, attempt), options);
  await counted;
  if (isCounted) conclude(call, attempt, account.costNanos ?? amount, options);
  else charged(call, attempt.part);
}

function conclude(
  call: Call,
  { held, part }: Attempt,
  charge: NanoUsd,
  { walls, isBooked }: ReserveOptions,
): void {
  part.charged += charge;
  charged(call, part);
  const pay = (): void => {
    walls.settle(held, charge);
    announce(part, walls, held.touched);
  };
  // The row first: if this process dies in between, the hold is left and the ledger says what it becomes; the other way nothing would say whose charge that is.
  if (charge > 0 && isBooked && part.due !== undefined) part.due.push(pay);
  else pay();
}

/** The ledger gets what the store got: the sum of all attempts, where that is not the cost. */
function charged({ account }: Call, part: BudgetPart): void {
  account.chargedNanos = part.charged === account.costNanos ? undefined : part.charged;
}
