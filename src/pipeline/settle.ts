import type { Outcome } from '../exchange/account.ts';
import type { Call, Harvest } from '../exchange/call.ts';
import { isEventStream, isJsonType } from '../exchange/media-type.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import type { Bytes } from '../exchange/stream.ts';
import { noUsage } from '../exchange/usage.ts';
import type { Clock } from '../kernel/clock.ts';
import type { ErrorKind } from '../kernel/error-codes.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { Accountant } from './accountant.ts';
import { harvestOf, isBrokenJson, PlainReader, unreadFacts } from './plain-reader.ts';
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
    if (dialect === undefined || !isSuccess(reply)) {
      return { ...reply, body: timed(call, reply, options) };
    }
    const encoding = fieldOf(reply.headers, 'content-encoding');
    const reader = isEventStream(reply.headers)
      ? new StreamReader(dialect, encoding)
      : new PlainReader(dialect, encoding);
    const finish = (error?: Error): Promise<void> | void => {
      account.endedTick = clock.tick();
      const harvest = harvestFrom(reader);
      // A client may hang up at the last event; what it has then is the whole answer. A provider that breaks off there is not believed.
      if (error !== undefined && (harvest.final === undefined || isProvidersFault(error))) {
        fail(call, error);
        // The provider bills what it wrote so far; where it had not said, we count.
        account.settling = accountant.bookPartial(call, harvest);
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

/** What nests deeper than can be followed is not read; its caller gets it all the same. */
function harvestFrom(reader: StreamReader | PlainReader): Harvest {
  try {
    return reader.harvest();
  } catch {
    return { facts: unreadFacts, final: undefined, events: undefined };
  }
}

function isProvidersFault(error: Error): boolean {
  const { kind } = EconomizerError.from(error);
  return kind === 'upstream' || kind === 'timeout';
}

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
  bookUnread(call, reply);
  if (dialect === undefined || !isSuccess(reply)) return undefined;
  const encoding = fieldOf(reply.headers, 'content-encoding');
  call.harvest = harvestOf(dialect, body, encoding);
  if (call.harvest === undefined) {
    refuseBroken(call, reply, isBrokenJson(body, encoding));
    return undefined;
  }
  if (call.harvest.facts.unfit === 'error') account.outcome = 'provider-error';
  return accountant.book(call, call.harvest.facts);
}

/** A part must not pass for the whole: where the provider promised JSON and it breaks off, its caller gets a sentence instead. */
function refuseBroken(call: Call, reply: Reply, isBroken: boolean): void {
  if (!isBroken || !isJsonType(reply.headers)) return;
  call.account.outcome = undefined;
  throw new EconomizerError(
    'ECO_UPSTREAM_RESET',
    `The provider "${call.provider.name}" ended its answer in the middle of the JSON (status ${reply.status}); try again.`,
  );
}

function isSuccess({ status }: Reply): boolean {
  return status >= 200 && status < 300 && !bodiless.has(status);
}

const bodiless = new Set([204, 205]);
/** What only looks or removes; no provider bills it. */
const freeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);

/** Outcome, and where it is known without reading the body, cost: providers bill no error. */
function bookUnread({ account, dialect, method }: Call, { status }: Reply): void {
  account.outcome = status < 400 ? 'ok' : 'provider-error';
  if (status < 400 && (dialect !== undefined || !freeMethods.has(method))) return;
  account.usage = noUsage;
  account.usageSource = 'provider';
  account.costNanos = 0;
}

/** A body that is not read, only timed. */
function timed(call: Call, reply: Reply, { clock }: { clock: Clock }): Reply['body'] {
  if (isWhole(reply.body)) return reply.body;
  return tapped(reply.body, {
    end() {
      call.account.endedTick = clock.tick();
      bookUnread(call, reply);
    },
    broken(error) {
      call.account.endedTick = clock.tick();
      fail(call, error);
    },
  });
}
