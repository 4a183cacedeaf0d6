import type { DialectName } from '../exchange/dialect.ts';
import type { JsonObject } from '../kernel/json.ts';

/** One recorded call in its dialect's own form. */
export interface RecordedCall {
  /** When it was made, milliseconds on the record's own clock; undefined where the record does not say. */
  readonly atMs: number | undefined;
  readonly dialect: DialectName;
  readonly model: string;
  readonly request: JsonObject;
  /** The final message as a plain call would have brought it. Its usage, if any, tells only the length of the answer. */
  readonly answer: JsonObject;
}

/** What one line of a traffic file holds. */
export interface RecordedSession {
  readonly tenant: string;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  /** In their order. */
  readonly calls: readonly RecordedCall[];
  /** Each call carries the answer to the one before, so it cannot have been made before that answer was whole. */
  readonly chained: boolean;
}
