import type { Readable } from 'node:stream';
import { EconomizerError } from '../kernel/errors.ts';
import { asModel } from './as-model.ts';
import { linesOf } from './lines.ts';
import { readSession } from './read-session.ts';
import type { RecordedSession } from './recorded.ts';

/** A session whose calls have their times: milliseconds from the beginning of the whole traffic. */
export interface Session extends RecordedSession {
  readonly startsMs: readonly number[];
}

/** What stands between calls whose record gives no time. */
const untimedGapMs = 2_000;

/**
 * Reads traffic files in order and puts their calls on one line of time.
 * @param options.model asked instead of the recorded models.
 * @throws EconomizerError `ECO_FILE` for a file that cannot be read, a line that cannot be understood, and for no calls at all.
 */
export async function readTraffic(
  files: readonly string[],
  options: { readonly model: string | undefined; readonly standardInput: Readable },
): Promise<Session[]> {
  const placed: Session[] = [];
  const timeline = new Timeline();
  for (const file of files) {
    const sessions: RecordedSession[] = [];
    for await (const line of linesOf(file, options.standardInput)) {
      const session = readSession(line, options.model);
      const calls = session.calls.map((call) => asModel(call, options.model));
      if (calls.length > 0) sessions.push({ ...session, calls });
    }
    placed.push(...timeline.place(sessions));
  }
  if (placed.length === 0) {
    throw new EconomizerError(
      'ECO_FILE',
      `There is no call in ${files.join(', ')}; a conversation needs an assistant message after its first message.`,
    );
  }
  return placed;
}

/** Files one after the other on one line of time that begins at 0. */
export class Timeline {
  #end = 0;
  /** Where recorded time 0 lies; known from the first recorded time on. */
  #origin: number | undefined;

  /** Places the sessions of one file: recorded times as they are, untimed sessions one after another. */
  place(sessions: readonly RecordedSession[]): Session[] {
    const offset = this.#offset(sessions);
    return sessions.map((session) => {
      const startsMs: number[] = [];
      for (const { atMs } of session.calls) {
        const start = atMs === undefined ? (startsMs.at(-1) ?? this.#end) : offset + atMs;
        const follows = atMs === undefined && startsMs.length > 0;
        startsMs.push(follows ? start + untimedGapMs : start);
      }
      this.#end = Math.max(this.#end, startsMs.at(-1)! + untimedGapMs);
      return { ...session, startsMs };
    });
  }

  /** What is added to a file's recorded times. A file that would begin before the files before it end was recorded on a clock of its own and is moved. */
  #offset(sessions: readonly RecordedSession[]): number {
    let first = Infinity;
    for (const { calls } of sessions) {
      for (const { atMs } of calls) if (atMs !== undefined && atMs < first) first = atMs;
    }
    if (first === Infinity) return 0;
    this.#origin ??= this.#end - first;
    return Math.max(this.#origin, this.#end - first);
  }
}
