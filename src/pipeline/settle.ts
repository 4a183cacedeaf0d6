import type { Outcome } from '../exchange/account.ts';
import type { Call, Harvest } from '../exchange/call.ts';
import type { Dialect } from '../exchange/dialect.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import type { Bytes } from '../exchange/stream.ts';
import { noUsage } from '../exchange/usage.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ErrorKind } from '../kernel/error-codes.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { isObject, parseJson } from '../kernel/json.ts';
import type { Accountant } from './accountant.ts';
import { decoded } from './content-coding.ts';
import { StreamReader } from './stream-reader.ts';
import type { Stage } from './stage.ts';
import { tapped } from './tap.ts';

/** Reads what the answer says of itself and books usage, cost and outcome to the call's account. */
export function createSettle(options: { clock: Clock; accountant: Accountant }): Stage {
  const { clock, accountant } = options;
  return async (call, next) => {
    const reply = await next(call);
    const { account, dialect } = call;
    if (isWhole(reply.body)) {
      account.endedTick = clock.tick();
      const settling = settleWhole(call, reply, reply.body, accountant);
      if (settling !== undefined) await settling;
      return reply;
    }
    const isEvents =
      fieldOf(reply.headers, 'content-type')?.startsWith('text/event-stream') === true;
    if (dialect === undefined || reply.status !== 200 || !isEvents) {
      return { ...reply, body: timed(call, reply, options) };
    }
    const reader = new StreamReader(dialect, fieldOf(reply.headers, 'content-encoding'));
    const finish = (error?: Error): Promise<void> | void => {
      account.endedTick = clock.tick();
      const harvest = reader.harvest();
      // A client may hang up at the last event; what it has then is the whole answer.
      if (harvest.final === undefined && error !== undefined) {
        fail(call, error);
        // The provider bills what it wrote so far; where it had not said, we count.
        account.settling = accountant.bookPartial(call, harvest.facts);
        return undefined;
      }
      call.harvest = harvest;
      account.outcome = harvest.facts.unfit === 'error' ? 'provider-error' : 'ok';
      return accountant.book(call, harvest.facts);
    };
    const body = tapped(reply.body, {
      chunk: (chunk) => reader.push(chunk),
      end: () => finish(),
      broken: (error) => finish(error),
    });
    return { ...reply, body };
  };
}

const outcomes: Partial<Record<ErrorKind, Outcome>> = {
  cancelled: 'cancelled',
  upstream: 'upstream-failure',
  timeout: 'upstream-failure',
  broken: 'failed',
};

/** Books how a call failed that has no answer, or no whole one. */
export function fail(call: Call, cause: unknown): void {
  const error = EconomizerError.from(cause);
  call.account.errorCode = error.code;
  call.account.outcome = outcomes[error.kind] ?? 'refused';
}

/** Done at once where the provider has counted, which is nearly always. */
function settleWhole(
  call: Call,
  reply: Reply,
  body: Bytes,
  accountant: Accountant,
): Promise<void> | void {
  const { account, dialect } = call;
  account.outcome = reply.status < 400 ? 'ok' : 'provider-error';
  if (reply.status >= 400) {
    account.usage = noUsage; // providers bill no error
    account.usageSource = 'provider';
    account.costNanos = 0;
    return undefined;
  }
  if (dialect === undefined || reply.status !== 200) return undefined;
  call.harvest = harvestOf(dialect, body, fieldOf(reply.headers, 'content-encoding'));
  return call.harvest === undefined ? undefined : accountant.book(call, call.harvest.facts);
}

function harvestOf(
  dialect: Dialect,
  body: Bytes,
  encoding: string | undefined,
): Harvest | undefined {
  const final = decoded(body, encoding);
  const parsed = final === undefined ? undefined : parseJson(final.toString('utf8'));
  if (final === undefined || !isObject(parsed)) return undefined;
  return { facts: dialect.answerFacts(parsed), final, events: undefined };
}

/** A body that is not read, only timed. */
function timed(call: Call, reply: Reply, { clock }: { clock: Clock }): Reply['body'] {
  if (isWhole(reply.body)) return reply.body;
  return tapped(reply.body, {
    end() {
      call.account.endedTick = clock.tick();
      call.account.outcome = reply.status < 400 ? 'ok' : 'provider-error';
    },
    broken(error) {
      call.account.endedTick = clock.tick();
      fail(call, error);
    },
  });
}
