/** A cache without values, as a trace of requests sees it. Keys are numbers, each key its own. */
export interface SimulatedCache {
  /** True if the key was there; else it is put in, as the cache sees fit. `worth` is what a hit saves, in any unit. */
  request(key: number, bytes: number, worth: number): boolean;
}

/** What a simulated cache may hold; the one that does not count is `Infinity`. */
export interface Bounds {
  readonly maxEntries: number;
  readonly maxBytes: number;
}
