import type { PrefixRules } from '../../ledger/prefix-rules.ts';
import type { HotPrefixes } from './hot-prefixes.ts';
import { PrefixHash } from './prefix-hash.ts';
import { promptTokens, type Hold, type Prompt } from './prompt.ts';

/** The prefix rules of a model at a provider. */
export type RulesOf = (provider: string, model: string) => PrefixRules;

/** Input tokens in disjoint classes. */
export interface PromptUsage {
  readonly fresh: number;
  readonly read: number;
  readonly written: number;
  readonly writtenLong: number;
}

/** A prefix of a prompt: its length in tokens and its name. */
interface Prefix {
  readonly tokens: number;
  readonly name: number;
}

/** A prefix that is to be held. */
interface Write extends Prefix {
  readonly hold: Hold;
}

/** What a provider's cache makes of one prompt: what it reads now and what it holds once it has worked through the rest. */
export interface CacheVisit {
  readonly usage: PromptUsage;
  /** Tokens that had to be worked through. */
  readonly uncached: number;
  /** Takes effect at `readyAt`, milliseconds. */
  keep(readyAt: number): void;
}

interface Visit {
  readonly prompt: Prompt;
  readonly rules: PrefixRules;
  readonly hot: HotPrefixes;
  /** What must be equal for a prefix to be shared. */
  readonly scope: string;
  readonly at: number;
}

/** Looks a prompt up as the rules say. */
export function visitCache(visit: Visit): CacheVisit {
  const { prompt, rules, hot, at } = visit;
  const total = promptTokens(prompt);
  if (rules.mode === 'none' || total < rules.minTokens) return uncached(total);
  const marked = holdsAtBreakpoints(rules);
  const lookups = marked
    ? partPrefixes(visit, prompt.lookups)
    : stepPrefixes(prompt, rules, visit.scope);
  const read = lookups.findLast(({ name }) => hot.isHot(name, at));
  const writes = marked ? markedWrites(visit) : lookups.map(asDefault);
  const ttlOf = (hold: Hold): number =>
    prompt.ttlMs ?? (hold === 'long' ? (rules.ttlLongMs ?? rules.ttlMs) : rules.ttlMs);
  const usage = usageOf({ total, read: read?.tokens ?? 0, writes, charged: rules.writeCharged });
  return {
    usage,
    uncached: total - usage.read,
    keep(readyAt) {
      // A prefix that was read lives on for as long as it did, even where this request marks it no more.
      if (read !== undefined) hot.refresh(read.name, at);
      for (const { name, hold } of writes) {
        const ttlMs = ttlOf(hold);
        hot.keep(name, { at, readyAt, ttlMs });
      }
    },
  };
}

/** Some providers match to the token. Coarser steps understate what is read by half a step a call, and keep the memory of it small. */
const smallestStep = 64;

/** True where prefixes are held that end at a breakpoint, marked by the caller or the provider; else all are, step by step. */
export function holdsAtBreakpoints(rules: PrefixRules): boolean {
  return rules.maxBreakpoints !== undefined;
}

/** All prefixes of automatic caching: the minimum, then step by step. */
export function stepPrefixes(prompt: Prompt, rules: PrefixRules, scope: string): Prefix[] {
  const hash = new PrefixHash(scope);
  const prefixes: Prefix[] = [];
  const step = Math.max(rules.granularity, smallestStep);
  let next = rules.minTokens;
  let seen = 0;
  for (const part of prompt.parts) {
    let from = 0;
    while (seen + part.length - from >= next) {
      const to = from + next - seen;
      hash.add(part, from, to);
      prefixes.push({ tokens: next, name: hash.value() });
      seen = next;
      from = to;
      next += step;
    }
    hash.add(part, from);
    seen += part.length - from;
  }
  return prefixes;
}

/** The prefixes that end with the given parts and are long enough to be held. */
export function partPrefixes(
  { prompt, rules, scope }: Pick<Visit, 'prompt' | 'rules' | 'scope'>,
  places: readonly number[],
): Prefix[] {
  const hash = new PrefixHash(scope);
  const prefixes: Prefix[] = [];
  let tokens = 0;
  let next = 0;
  for (const [index, part] of prompt.parts.entries()) {
    hash.add(part);
    tokens += part.length;
    if (places[next] !== index) continue;
    next++;
    if (tokens >= rules.minTokens) prefixes.push({ tokens, name: hash.value() });
  }
  return prefixes;
}

function markedWrites(visit: Visit): Write[] {
  const { breakpoints } = visit.prompt;
  const writes: Write[] = [];
  for (const { part, hold } of breakpoints) {
    for (const prefix of partPrefixes(visit, [part])) writes.push({ ...prefix, hold });
  }
  return writes;
}

function asDefault(prefix: Prefix): Write {
  return { ...prefix, hold: 'default' };
}

/**
 * Anthropic's rule for mixed times: what lies between the prefix read and the last one-hour breakpoint is written
 * for an hour, what lies between that and the last breakpoint for five minutes, the rest is fresh.
 */
function usageOf(sums: {
  total: number;
  read: number;
  writes: readonly Write[];
  charged: boolean;
}): PromptUsage {
  const { total, read, writes, charged } = sums;
  if (!charged) return { fresh: total - read, read, written: 0, writtenLong: 0 };
  let long = read;
  let last = read;
  for (const { tokens, hold } of writes) {
    if (hold === 'long') long = Math.max(long, tokens);
    last = Math.max(last, tokens);
  }
  return { fresh: total - last, read, written: last - long, writtenLong: long - read };
}

function uncached(total: number): CacheVisit {
  return {
    usage: { fresh: total, read: 0, written: 0, writtenLong: 0 },
    uncached: total,
    keep() {},
  };
}
