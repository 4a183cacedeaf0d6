/** Who decided what about a call, and when: one line a stage. */
export interface TrailLine {
  readonly stage: string;
  readonly verdict: string;
  /** Milliseconds since the call began. */
  readonly atMs: number;
}

/** The trail as a header carries it: `recall=hit:l1;0.04, ...`. */
export function trailText(lines: readonly TrailLine[]): string {
  let text = '';
  for (const line of lines) {
    text += `${text === '' ? '' : ', '}${line.stage}=${line.verdict};${line.atMs.toFixed(2)}`;
  }
  return text;
}
