import type { DialectName } from '../exchange/dialect.ts';
import type { JsonObject } from '../kernel/json.ts';

/** A request as it reached the fake provider. */
export interface FakeCall {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Names and values in turn, exactly as they came. */
  readonly rawHeaders: readonly string[];
  /** Exactly the bytes that came. */
  readonly body: Buffer;
  /** The body where it is a JSON object. */
  readonly json: JsonObject | undefined;
  /** Undefined for paths that no dialect has. */
  readonly dialect: DialectName | undefined;
}

const dialectOfPath: readonly (readonly [RegExp, DialectName])[] = [
  [/\/chat\/completions$/, 'openai-chat'],
  [/\/responses$/, 'openai-responses'],
  [/\/completions$/, 'openai-completions'],
  [/\/embeddings$/, 'openai-embeddings'],
  [/\/messages\/count_tokens$/, 'anthropic-count-tokens'],
  [/\/messages$/, 'anthropic-messages'],
];

/** The dialect that a `POST` to a path is in. */
export function dialectAt(method: string, path: string): DialectName | undefined {
  if (method !== 'POST') return undefined;
  const bare = path.split('?', 1)[0]!;
  return dialectOfPath.find(([pattern]) => pattern.test(bare))?.[1];
}
