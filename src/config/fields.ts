import { z } from 'zod';
import { parseDuration } from '../kernel/duration.ts';
import { durationText, parseSize } from './units.ts';

/**
 * The kinds of settings. Each says in its error what is allowed, and in its meta data what it means and what it is
 * when left out; faults, JSON Schema and the reference page are made from that alone. Numbers and switches may come
 * as text too, since a value from the environment is always text.
 */
interface Range {
  readonly min?: number;
  readonly max?: number;
}

const wholeDay = 86_400_000;
/** Long enough for anything that is kept; what is waited for gets a shorter bound, since timers end at 24 days. */
export const longestWaitMs = 7 * wholeDay;
const longestDuration = 365 * wholeDay;

/** A time span with its unit; milliseconds once read. */
export function duration(description: string, usual: string, range: Range = {}) {
  return span(description, range)
    .prefault(usual)
    .meta({ description, default: usual, kind: 'duration' });
}

/** As `duration`, without what holds when it is left out. */
export function span(description: string, range: Range = {}) {
  const max = range.max ?? longestDuration;
  const least = range.min === undefined ? 'or 0' : `at least ${durationText(range.min)}`;
  const allowed = `must be a duration with its unit, such as 250ms, 10s, 5m, 1h or 2d, ${least}, at most ${durationText(max)}`;
  return z
    .union([z.string(), z.literal(0)], { error: allowed })
    .transform((given, context) => {
      const text = String(given).trim();
      const unitless = /^[\d.]*$/.test(text) && Number(text) !== 0;
      const ms = unitless ? undefined : parseDuration(text);
      if (ms === undefined || ms > max || ms < (range.min ?? 0)) {
        context.addIssue({ code: 'custom', message: allowed });
        return z.NEVER;
      }
      return Math.round(ms);
    })
    .meta({ description, kind: 'duration' });
}

/** An amount of memory or disk; bytes once read. */
export function size(description: string, usual: string, range: Range = {}) {
  return amount(description, range)
    .prefault(usual)
    .meta({ description, default: usual, kind: 'size' });
}

/** As `size`, without what holds when it is left out. */
export function amount(description: string, range: Range = {}) {
  const min = range.min ?? 0;
  const allowed = `must be a size such as 512KiB, 64MiB, 100MB, 1GiB or a number of bytes${
    min > 0 ? `, at least ${min}` : ''
  }`;
  return z
    .union([z.string(), z.number()], { error: allowed })
    .transform((given, context) => {
      const bytes = parseSize(String(given));
      if (bytes === undefined || bytes < min) {
        context.addIssue({ code: 'custom', message: allowed });
        return z.NEVER;
      }
      return bytes;
    })
    .meta({ description, kind: 'size' });
}

/** A whole number. */
export function count(description: string, usual: number, range: Required<Range>) {
  return whole(description, range)
    .prefault(usual)
    .meta({ description, default: usual, kind: 'number' });
}

/** As `count`, without what holds when it is left out. */
export function whole(description: string, range: Required<Range>) {
  return numeric(description, range, {
    allowed: `must be a whole number from ${range.min} to ${range.max}`,
    suits: Number.isSafeInteger,
  });
}

/** A share of one, such as 0.95, without what holds when it is left out. */
export function share(description: string) {
  return numeric(
    description,
    { min: 0, max: 1 },
    { allowed: 'must be a number from 0 to 1', suits: Number.isFinite },
  );
}

function numeric(
  description: string,
  range: Required<Range>,
  { allowed, suits }: { readonly allowed: string; readonly suits: (value: number) => boolean },
) {
  return z
    .union([z.number(), z.string()], { error: allowed })
    .transform((given, context) => {
      const value = typeof given === 'string' && given.trim() === '' ? Number.NaN : Number(given);
      if (!suits(value) || value < range.min || value > range.max) {
        context.addIssue({ code: 'custom', message: allowed });
        return z.NEVER;
      }
      return value;
    })
    .meta({ description, kind: 'number' });
}

/** A switch. */
export function flag(description: string, usual: boolean) {
  return toggle(description).prefault(usual).meta({ description, default: usual, kind: 'switch' });
}

/** As `flag`, without what holds when it is left out. */
export function toggle(description: string) {
  return z
    .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
    .transform((given) => given === true || given === 'true')
    .meta({ description, kind: 'switch' });
}

/** One word of a list. */
export function choice<const Words extends readonly [string, ...string[]]>(
  description: string,
  words: Words,
) {
  return z
    .enum(words, { error: `must be one of: ${words.join(', ')}` })
    .meta({ description, kind: words.map((word) => `\`${word}\``).join(' or ') });
}

/** One word of a list, with the one that holds when it is left out. */
export function choiceOr<const Words extends readonly [string, ...string[]]>(
  description: string,
  words: Words,
  usual: NoInfer<Words[number]>,
) {
  return choice(description, words)
    .prefault(usual as never)
    .meta({ description, default: usual, kind: words.map((word) => `\`${word}\``).join(' or ') });
}

/** Text that is not empty. */
export function text(description: string) {
  return z
    .string({ error: 'must be text' })
    .trim()
    .min(1, { error: 'must not be empty' })
    .meta({ description, kind: 'text' });
}

/** Text that is not empty, with what holds when it is left out. */
export function textOr(description: string, usual: string) {
  return text(description).prefault(usual).meta({ description, default: usual, kind: 'text' });
}

/** A list of texts. */
export function texts(description: string) {
  return z
    .array(text('One entry.'), { error: 'must be a list, such as [a, b]' })
    .meta({ description, kind: 'list of text' });
}

/** A text or a list of them; a list once read. */
export function patterns(description: string) {
  return z
    .union([z.string().trim().min(1), z.array(z.string().trim().min(1)).min(1)], {
      error: 'must be a text or a list of texts, in which * stands for anything',
    })
    .transform((given) => (typeof given === 'string' ? [given] : given))
    .meta({ description, kind: 'text or list' });
}

/** An amount of US dollars per million tokens. */
export function dollars(description: string) {
  const allowed = 'must be a number of US dollars from 0 to 1000000';
  return z
    .union([z.number(), z.string()], { error: allowed })
    .transform((given, context) => {
      const value = typeof given === 'string' && given.trim() === '' ? Number.NaN : Number(given);
      if (!Number.isFinite(value) || value < 0 || value > 1e6) {
        context.addIssue({ code: 'custom', message: allowed });
        return z.NEVER;
      }
      return value;
    })
    .meta({ description, kind: 'US dollars per million tokens' });
}

/** A mapping whose settings are all known by name. */
export function section<Shape extends z.ZodRawShape>(description: string, shape: Shape) {
  return z.strictObject(shape, { error: wrongMapping }).meta({ description });
}

/** Zod asks the same function about unknown names, which have their own, better message. */
export function wrongMapping(issue: { readonly code?: string | undefined }): string | undefined {
  return issue.code === 'invalid_type' ? 'must be a mapping of names to values' : undefined;
}
