import type { Call } from '../exchange/call.ts';
import { isEventStream } from '../exchange/media-type.ts';
import type { OutputHold } from '../exchange/output-hold.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import { withIdentityEncoding } from './identity-encoding.ts';
import { meteredStream } from './metered.ts';
import type { Stage } from './stage.ts';

/**
 * Counts a stream against what is held for it, and ends it there. Stands next to `send`, so that all others see a cut stream as the
 * whole answer that its caller sees. Calls without a hold pass by.
 */
export const meter: Stage = (call, next) => {
  const { outputHold } = call;
  if (outputHold === undefined || call.facts?.stream !== true) return next(call);
  // What is compressed cannot be counted.
  const asked = { ...call, headers: withIdentityEncoding(call.headers) };
  return next(asked).then((reply) => counted(call, reply, outputHold));
};

function counted(call: Call, reply: Reply, hold: OutputHold): Reply {
  const { body, headers, status } = reply;
  const isCoded = fieldOf(headers, 'content-encoding') !== undefined;
  if (isWhole(body) || status !== 200 || isCoded || !isEventStream(headers)) return reply;
  const stream = meteredStream(body, call.dialect!.name, {
    ...hold,
    usage: call.facts!.streamUsage,
    onCut: () => (call.cut = true),
  });
  if (stream === undefined) return reply;
  hold.seen = stream;
  return { ...reply, body: stream };
}
