import { isEventStream } from '../exchange/media-type.ts';
import { isWhole, fieldOf, type Reply } from '../exchange/reply.ts';
import type { ByteSink, ByteStream, Bytes } from '../exchange/stream.ts';
import { UsageStripper } from '../exchange/wire/stream-usage.ts';
import type { Stage } from './stage.ts';

/** Streams inside the house always carry their usage where it could be had; a caller who did not ask for it does not see it. */
export const shape: Stage = (call, next) => {
  const { facts, provider } = call;
  const wasAsked = facts?.stream === true && !facts.streamUsage && provider.asksStreamUsage;
  return wasAsked ? next(call).then(withoutUsage) : next(call);
};

function withoutUsage(reply: Reply): Reply {
  const isEvents = isEventStream(reply.headers);
  // A provider may compress although it was asked not to; what cannot be read is left alone.
  const isCoded = fieldOf(reply.headers, 'content-encoding') !== undefined;
  if (!isEvents || isCoded) return reply;
  return { ...reply, body: stripped(reply.body) };
}

function stripped(body: Reply['body']): Reply['body'] {
  const stripper = new UsageStripper();
  if (isWhole(body)) return Buffer.concat([stripper.push(body), stripper.finish()]);
  return strippedStream(body, stripper);
}

function strippedStream(stream: ByteStream, stripper: UsageStripper): ByteStream {
  return {
    open(sink: ByteSink) {
      const pass = (bytes: Bytes): boolean => bytes.length === 0 || sink.write(bytes);
      stream.open({
        write: (chunk) => pass(stripper.push(chunk)),
        end() {
          pass(stripper.finish());
          sink.end();
        },
        fail: (error) => sink.fail(error),
      });
    },
    resume: () => stream.resume(),
    cancel: (reason) => stream.cancel(reason),
  };
}
