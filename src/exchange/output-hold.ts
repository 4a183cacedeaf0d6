/** What is held for the output of one attempt, and what was seen of it. */
export interface OutputHold {
  /** Output tokens that are held for, of all answers together. */
  readonly tokensMax: number;
  /**
   * How sure it must be that the hold is passed before a stream is cut. `surely`: by the fewest tokens that the text can be, so that a stream within
   * its cap is never cut. `perhaps`: by the most, a token for each byte; for providers that are known to ignore caps.
   */
  readonly cutWhen: 'surely' | 'perhaps';
  /** Input tokens at most, for a caller who asked for a count of a stream that is then cut. */
  readonly inputTokens: number;
  /** Set when a stream begins; undefined where nothing is counted as it passes. */
  seen: OutputSeen | undefined;
}

/** What a meter knows of a stream at any moment. */
export interface OutputSeen {
  /** Output tokens so far at most: as the provider told, else a token for each byte that was written. */
  outputAtMost(): number;
  /** Output tokens as the provider told them; undefined as long as it has not. */
  outputTold(): number | undefined;
}
