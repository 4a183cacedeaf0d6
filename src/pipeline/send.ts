import type { Call } from '../exchange/call.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import type { Upstream } from '../exchange/upstream.ts';
import { askForUsage } from '../exchange/wire/stream-usage.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { isObject, parseJson } from '../kernel/json.ts';
import { withIdentityEncoding } from './identity-encoding.ts';
import type { Next } from './stage.ts';

/** The last step: the provider gets the bytes. An OpenAI stream whose caller did not ask for usage is asked for it; `shape` takes it out again. */
export function createSend({ upstream, clock }: { upstream: Upstream; clock: Clock }): Next {
  return async (call) => {
    call.account.source = 'upstream';
    call.account.sentTick = clock.tick();
    const reply = await upstream.send(asksUsage(call) ? withUsageAsked(call) : call);
    call.account.firstByteTick = clock.tick();
    call.account.status = reply.status;
    refuseForeign(call, reply);
    return reply;
  };
}

/** True where usage must be asked for on the caller's behalf. */
function asksUsage(call: Call): boolean {
  return call.facts?.stream === true && !call.facts.streamUsage && call.provider.asksStreamUsage;
}

function withUsageAsked(call: Call): Call {
  if (call.body === undefined || !isWhole(call.body)) return call;
  const body = Buffer.from(call.body.buffer, call.body.byteOffset, call.body.byteLength);
  // Parsing is only needed for the rare body that has stream options of its own.
  const parsed = body.includes('"stream_options"') ? parseJson(body.toString('utf8')) : {};
  return {
    ...call,
    body: askForUsage(body, isObject(parsed) ? parsed : {}),
    // The extra chunk can only be taken out of a stream that can be read.
    headers: withIdentityEncoding(call.headers),
  };
}

/** An SDK cannot read an HTML page (a proxy's, a login's, a wrong base URL's); its caller gets a sentence instead. */
function refuseForeign(call: Call, reply: Reply): void {
  if (call.dialect === undefined) return;
  const type = fieldOf(reply.headers, 'content-type');
  if (type === undefined || !/^(text\/html|application\/xhtml)/i.test(type)) return;
  if (!isWhole(reply.body)) reply.body.cancel(new Error('not an API answer'));
  throw new EconomizerError(
    'ECO_UPSTREAM_NOT_API',
    `The provider "${call.provider.name}" answered with an HTML page (status ${reply.status}); check its base_url, or try again if a proxy in between is in trouble.`,
  );
}
