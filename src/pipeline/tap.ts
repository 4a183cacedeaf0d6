import type { ByteSink, ByteStream, Bytes } from '../exchange/stream.ts';

/** What a tap wants to know of a stream that passes it. */
export interface TapHandler {
  chunk?(chunk: Bytes): void;
  /** The stream is whole. The end is passed on after the returned promise, if there is one. */
  end?(): Promise<void> | void;
  /** The stream broke or its reader left. The failure is passed on after the returned promise. */
  broken?(error: Error): Promise<void> | void;
}

/** The same stream, with somebody listening on the side. What passes is not touched. */
export function tapped(stream: ByteStream, handler: TapHandler): ByteStream {
  let over = false;
  return {
    open(sink) {
      stream.open({
        write(chunk) {
          handler.chunk?.(chunk);
          return sink.write(chunk);
        },
        end() {
          if (over) return;
          over = true;
          after(
            () => handler.end?.(),
            () => sink.end(),
          );
        },
        fail(error) {
          if (over) return;
          over = true;
          after(
            () => handler.broken?.(error),
            () => sink.fail(error),
          );
        },
      } satisfies ByteSink);
    },
    resume: () => stream.resume(),
    cancel(reason) {
      stream.cancel(reason);
      if (over) return;
      over = true;
      after(
        () => handler.broken?.(reason),
        () => {},
      );
    },
  };
}

/** What a tap does is accounting: if it fails, the stream goes on all the same, for its reader waits for the end. */
function after(act: () => Promise<void> | void, then: () => void): void {
  let acted: Promise<void> | void;
  try {
    acted = act();
  } catch {
    acted = undefined;
  }
  if (acted === undefined) then();
  else void acted.then(then, then);
}
