import { z } from 'zod';
import { defaults } from './defaults.ts';
import {
  choiceOr,
  count,
  dollars,
  duration,
  flag,
  section,
  size,
  longestWaitMs,
  text,
  textOr,
  wrongMapping,
} from './fields.ts';
import { cacheSchema } from './cache-schema.ts';
import { budgetingSchema, budgetsSchema } from './budget-schema.ts';
import { accessSchema } from './access-schema.ts';
import { careSchema } from './care-schema.ts';
import { fitSchema } from './fit-schema.ts';
import { alertsSchema, protectionSchema, runawaySchema } from './protection-schema.ts';
import { postgresSchema } from './postgres-schema.ts';
import { mcpSchema } from './mcp-schema.ts';
import { edgeSchema } from './edge-schema.ts';
import { redisSchema } from './redis-schema.ts';
import { providerNameSchema, providerSchema } from './provider-schema.ts';

/** The configuration file, in its own notation (snake_case). `build.ts` turns what comes out into a `Config`. */

const limits = section('Bounds on everything that could grow or hang.', {
  body_bytes: size('The largest request body that is understood.', defaults.limits.bodyBytes, {
    min: 1024,
  }),
  depth: count('How deep a request body may nest.', defaults.limits.depth, { min: 8, max: 10_000 }),
  header_bytes: size('All headers of a request together.', defaults.limits.headerBytes, {
    min: 4096,
  }),
  headers: count('Header fields of a request.', defaults.limits.headers, { min: 16, max: 10_000 }),
  concurrent_calls: count('Calls at the same time.', defaults.limits.concurrentCalls, {
    min: 1,
    max: 1_000_000,
  }),
  receive: duration('The whole request has come.', defaults.limits.receive, {
    min: 1000,
    max: longestWaitMs,
  }),
  connect: duration('The connection to the provider stands.', defaults.limits.connect, {
    min: 1,
    max: longestWaitMs,
  }),
  first_byte: duration('The provider begins its answer.', defaults.limits.firstByte, {
    min: 1,
    max: longestWaitMs,
  }),
  silence: duration('Between two chunks of an answer.', defaults.limits.silence, {
    min: 1,
    max: longestWaitMs,
  }),
  total: duration('The whole call. 0 means no limit.', defaults.limits.total, {
    max: longestWaitMs,
  }),
});

const day = (description: string) =>
  z.iso
    .date({ error: 'must be a day such as 2026-01-31' })
    .meta({ description, kind: 'day' })
    .optional();

const price = section('One price, before the built-in ones.', {
  provider: text('The provider’s `price_id`. Default: whichever provider.').optional(),
  model: text('The model as the provider names it; `*` stands for anything.'),
  from: day('The day (UTC) from which it holds. Default: always.'),
  to: day('The day (UTC) before which it holds. Default: for ever.'),
  service_tier: text(
    'The service tier it is for, such as `flex`. Default: the standard one.',
  ).optional(),
  input: dollars('Input.'),
  output: dollars('Output.').optional(),
  cache_read: dollars('Input read from the provider’s prompt cache.').optional(),
  cache_write_5m: dollars('Input written to it for its short time.').optional(),
  cache_write_1h: dollars('Input written to it for an hour.').optional(),
  reasoning: dollars('Reasoning. Default: as `output`.').optional(),
  audio_input: dollars('Audio input.').optional(),
  audio_output: dollars('Audio output.').optional(),
  web_search_per_thousand: dollars(
    'Searches on the provider’s side: dollars per thousand.',
  ).optional(),
}).superRefine(({ from, to }, context) => {
  if (from === undefined || to === undefined || from < to) return;
  const message = `must be a later day than from (${from}), else the price never holds`;
  context.addIssue({ code: 'custom', path: ['to'], message });
});

export const configSchema = section('Configuration of Economizer.', {
  listen: section('Where the gateway listens.', {
    host: textOr(
      'Address or host name. Anything but this machine itself needs a key (`access.keys`, `economizer keys create`).',
      defaults.listen.host,
    ),
    port: count('Port; 0 takes any free one.', defaults.listen.port, { min: 0, max: 65_535 }),
  }).prefault({}),
  data: textOr(
    'Directory for everything that is kept, from the directory of the command. `ECONOMIZER_DATA` goes first.',
    defaults.data,
  ),
  providers: z
    .record(providerNameSchema, providerSchema, { error: wrongMapping })
    .prefault({})
    .meta({
      description:
        'Providers by name; the name is the first part of their path at the gateway. `openai` and `anthropic` are always there.',
      kind: 'mapping',
    }),
  default_providers: section('Who gets calls to the bare paths whose model no provider claims.', {
    openai: textOr('For the paths of OpenAI.', 'openai'),
    anthropic: textOr('For the paths of Anthropic.', 'anthropic'),
  }).prefault({}),
  access: accessSchema.prefault({}),
  cache: cacheSchema.prefault({}),
  budgets: budgetsSchema,
  budgeting: budgetingSchema.prefault({}),
  redis: redisSchema.optional(),
  postgres: postgresSchema.optional(),
  edge: edgeSchema.optional(),
  care: careSchema.prefault({}),
  fit: fitSchema.prefault({}),
  protection: protectionSchema.prefault({}),
  alerts: alertsSchema.prefault({}),
  runaway: runawaySchema.prefault({}),
  mcp: mcpSchema.prefault({}),
  ledger: section('The book of calls.', {
    enabled: flag('Whether calls are booked.', true),
    retention: duration('How long calls are kept; 0 means for ever.', '0s', {
      max: 3650 * 86_400_000,
    }),
  }).prefault({}),
  limits: limits.prefault({}),
  prices: z
    .array(price, { error: 'must be a list of prices' })
    .default([])
    .meta({ description: 'Prices that go before the built-in ones.', kind: 'list' }),
  log: section('What is written to standard error.', {
    level: choiceOr(
      'The least that is written. `debug` writes a line for every call.',
      ['debug', 'info', 'warn', 'error', 'silent'],
      'info',
    ),
    format: choiceOr('Lines for people or JSON lines for machines.', ['text', 'json'], 'text'),
  }).prefault({}),
  shutdown_grace: duration(
    'How long calls in flight may go on after the signal to stop.',
    defaults.shutdownGrace,
    { max: longestWaitMs },
  ),
});

/** A configuration as the file has it, before anything is read into it. */
export type ConfigFile = z.input<typeof configSchema>;
/** The same with every default in place, times in milliseconds and sizes in bytes. */
export type ConfigValues = z.output<typeof configSchema>;
