import type { ByteSink, ByteStream, Bytes } from '../../exchange/stream.ts';
import type { Clock } from '../../kernel/clock.ts';

/** Chunks that come one by one, evenly spread over `overMs`: the first at once, the last at the end. Heeds back-pressure. */
export function timedStream(options: {
  readonly chunks: readonly Bytes[];
  readonly overMs: number;
  readonly clock: Clock;
}): ByteStream {
  const { chunks, overMs, clock } = options;
  const gapMs = chunks.length > 1 ? overMs / (chunks.length - 1) : 0;
  let sink: ByteSink | undefined;
  let next = 0;
  let callOff = (): void => {};
  const step = (): void => {
    if (sink === undefined) return;
    const chunk = chunks[next++];
    if (chunk === undefined) {
      const ending = sink;
      sink = undefined;
      ending.end();
    } else if (sink.write(chunk)) {
      callOff = clock.after(next < chunks.length ? gapMs : 0, step);
    }
  };
  return {
    open(into) {
      sink = into;
      step();
    },
    resume: step,
    cancel() {
      sink = undefined;
      callOff();
    },
  };
}
