import { isObject } from '../kernel/json.ts';
import type { WithEnvironment } from './from-environment.ts';

/** What the command line may say of where to listen, as it was written there. */
export interface ListenFlags {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
}

/** The values with those of the command line in their place. They are checked like any others. */
export function withFlags(values: WithEnvironment, flags: ListenFlags = {}): WithEnvironment {
  const { value } = values;
  const listen: unknown = isObject(value) ? (value['listen'] ?? {}) : undefined;
  if (!isObject(value) || !isObject(listen)) return values;
  const origins = new Map(values.origins);
  const flagged: Record<string, unknown> = { ...listen };
  for (const name of ['host', 'port'] as const) {
    if (flags[name] === undefined) continue;
    flagged[name] = flags[name];
    origins.set(`listen.${name}`, `--${name}`);
  }
  return { value: { ...value, listen: flagged }, origins };
}
