import { z } from 'zod';
import type { Path } from './fault.ts';
import { configSchema } from './schema.ts';

/** As much of JSON Schema as our own schema makes use of. */
export interface SettingSchema {
  readonly description?: string;
  readonly default?: unknown;
  /** What sort of setting it is, in words. */
  readonly kind?: string;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SettingSchema | boolean;
  readonly items?: SettingSchema;
}

/** JSON Schema (2020-12) of the configuration file, for editors and for the reference page. */
export function configJsonSchema(): SettingSchema {
  return z.toJSONSchema(configSchema, { io: 'input' }) as SettingSchema;
}

/** The names that may stand in the mapping at `path`. */
export function knownNames(path: Path): readonly string[] {
  let schema: SettingSchema | undefined = configJsonSchema();
  for (const step of path) {
    const others: SettingSchema | boolean | undefined = schema?.additionalProperties;
    schema =
      typeof step === 'number'
        ? schema?.items
        : (schema?.properties?.[step] ?? (typeof others === 'object' ? others : undefined));
  }
  return Object.keys(schema?.properties ?? {});
}
