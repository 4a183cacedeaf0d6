import type { Call } from '../exchange/call.ts';
import { isEventStream } from '../exchange/media-type.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import type { Clock } from '../kernel/clock.ts';
import { withIdentityEncoding } from './identity-encoding.ts';
import { meteredStream } from './metered.ts';
import { note } from './note.ts';
import type { Stage } from './stage.ts';

/** A token is about so many bytes; for the count of input that a caller is told whose stream is cut. */
const bytesPerToken = 4;

/** Counts the streams of calls that hold something, inside `settle`, so that what is booked is what the caller got: an answer that ends where its hold does. */
export function createMetering({ clock }: { readonly clock: Clock }): Stage {
  return async (call, next) => {
    if (call.account.budget?.counting === undefined) return next(call);
    // What is compressed cannot be counted.
    const asked = { ...call, headers: withIdentityEncoding(call.headers) };
    return metered(call, await next(asked), clock);
  };
}

function metered(call: Call, reply: Reply, clock: Clock): Reply {
  const { dialect, facts, body: asked } = call;
  const { body, headers, status } = reply;
  const counting = call.account.budget!.counting!;
  if (dialect === undefined || isWhole(body) || status >= 300) return reply;
  if (!isEventStream(headers) || fieldOf(headers, 'content-encoding') !== undefined) return reply;
  const stream = meteredStream(body, dialect.name, {
    tokensMax: counting.tokensMax,
    usage: facts?.streamUsage === true,
    inputTokens: Math.ceil(((asked as Uint8Array | undefined)?.length ?? 0) / bytesPerToken),
    onCut() {
      call.cut = true;
      note(call, 'reserve', 'cut', clock);
    },
  });
  if (stream === undefined) return reply;
  counting.outputAtMost = stream.outputAtMost;
  counting.outputTold = stream.outputTold;
  return { ...reply, body: stream };
}
