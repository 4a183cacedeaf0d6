import { SingleBar } from 'cli-progress';
import { systemClock, type Clock } from '../kernel/clock.ts';

/** How far a command has come, for a person who waits. */
export interface Progress {
  show(done: number, all: number): void;
  stop(): void;
}

/** A command that is through sooner needs no bar. */
const patienceMs = 2_000;
/** The bar is drawn no oftener: drawing costs more than the work that it shows. */
const redrawMs = 100;

/** A bar on standard error, on a terminal only, and only when the work takes longer than two seconds. */
export function startProgress(unit: string, clock: Clock = systemClock): Progress {
  if (!process.stderr.isTTY) return { show() {}, stop() {} };
  const bar = new SingleBar({
    format: `{bar} {value}/{total} ${unit}, {eta_formatted} left`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  });
  const startTick = clock.tick();
  let drawnTick: number | undefined;
  return {
    show(done, all) {
      const tick = clock.tick();
      if (tick - startTick < patienceMs || tick - (drawnTick ?? 0) < redrawMs) return;
      if (drawnTick === undefined) bar.start(all, done);
      else bar.update(done);
      drawnTick = tick;
    },
    stop() {
      if (drawnTick !== undefined) bar.stop();
    },
  };
}
