import type { Clock } from '../../kernel/clock.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Balance, HoldRequest } from '../store.ts';

/** What every store of budgets needs to know. */
export interface StoreTerms {
  readonly clock: Clock;
  /** Names this running process among all that share the store; never used again by another. */
  readonly owner: string;
  /** How long holds outlive the last heartbeat of their owner, in milliseconds (30,000). */
  readonly leaseMs?: number | undefined;
  /** How long a settled id is remembered, in milliseconds (15 minutes): so long `hold` and `settle` of it change nothing. */
  readonly settledMs?: number | undefined;
  /** How long an account outlives its window, and a hold that was charged stays open to be settled after all, in milliseconds (7 days). */
  readonly keepMs?: number | undefined;
}

export const defaultLeaseMs = 30_000;
export const defaultSettledMs = 15 * 60_000;
export const defaultKeepMs = 7 * 24 * 3_600_000;

const linesMax = 32;
const nameLengthMax = 1024;
const flagLengthMax = 16_384;

/** @throws EconomizerError `ECO_INTERNAL` for what no caller within this house may ask. */
export function checkRequest({ id, amount, atLeast, lines }: HoldRequest): void {
  checkName(id);
  checkAmount(amount);
  if (atLeast !== undefined) checkAmount(atLeast);
  if (lines.length === 0 || lines.length > linesMax) {
    throw misuse(`A hold needs 1 to ${linesMax} accounts, not ${lines.length}.`);
  }
  for (let index = 0; index < lines.length; index++) {
    const { account, limit } = lines[index]!;
    checkName(account);
    checkAmount(limit);
    for (let other = 0; other < index; other++) {
      if (lines[other]!.account === account) throw misuse('A hold names an account twice.');
    }
  }
}

/** @throws EconomizerError `ECO_INTERNAL` for anything but a whole number from 0 to 2^53 - 1. */
export function checkAmount(amount: number): void {
  if (!Number.isSafeInteger(amount) || amount < 0) {
    throw misuse('An amount in a budget is a whole number of nano-dollars from 0 to 2^53 - 1.');
  }
}

/** @throws EconomizerError `ECO_INTERNAL` for an empty or very long one. */
export function checkName(name: string): void {
  if (name === '' || name.length > nameLengthMax) {
    throw misuse(`A name in a budget store has 1 to ${nameLengthMax} characters.`);
  }
}

/** @throws EconomizerError `ECO_INTERNAL` for a text that is too long to be kept. */
export function checkFlag(name: string, value: string | undefined): void {
  checkName(name);
  if (value !== undefined && value.length > flagLengthMax) {
    throw misuse(`A flag has at most ${flagLengthMax} characters.`);
  }
}

/**
 * How much of `amount` may be held on accounts that stand like this, or the first account that has too little. An account that
 * would pass 2^53 - 1 has too little even if it is soft: what cannot be counted exactly is not counted at all.
 */
export function grantOf(request: HoldRequest, standing: readonly Balance[]): number | string {
  const { lines } = request;
  const least = Math.min(request.atLeast ?? request.amount, request.amount);
  let grant = request.amount;
  for (let index = 0; index < lines.length; index++) {
    const { spent, held } = standing[index]!;
    const { hard, limit, account } = lines[index]!;
    const left = (hard ? limit : Number.MAX_SAFE_INTEGER) - spent - held;
    if (left < least) return account;
    if (left < grant) grant = left;
  }
  return grant;
}

/** The sum, or the greatest number that is still exact. */
export function exactSum(spent: number, more: number): number {
  return Math.min(spent + more, Number.MAX_SAFE_INTEGER);
}

function misuse(message: string): EconomizerError {
  return new EconomizerError('ECO_INTERNAL', message);
}
