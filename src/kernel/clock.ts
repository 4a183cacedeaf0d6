/** Time as an argument: domain code never reads the system clock itself. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. May jump when the system clock is set. */
  now(): number;
  /** Monotonic time in milliseconds with fractions; only differences mean anything. */
  tick(): number;
  /** Calls `task` once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, task: () => void): () => void;
}

/** The machine's own time. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  tick: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
