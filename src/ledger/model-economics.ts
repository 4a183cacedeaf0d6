import { calcPrice } from '@pydantic/genai-prices';
import { undated } from './model-names.ts';
import type { ModelPrice } from './model-price.ts';
import { prefixRules, type PrefixRules } from './prefix-rules.ts';
import type { PriceBook, PriceQuestion } from './price-book.ts';
import type { Rates } from './model-price.ts';

/** What an edit of a prompt has to be weighed against: rates with their cliffs, and how long the provider keeps a prefix. */
export interface ModelEconomics {
  readonly base: InputRates;
  /** Rates of longer requests, the longest first. */
  readonly cliffs: readonly { readonly above: number; readonly rates: InputRates }[];
  /** 0 where the provider keeps no prefix. */
  readonly ttlMs: number;
  /** A longer time that a request may ask for; writing then costs so many times as much. */
  readonly long: { readonly ttlMs: number; readonly writeTimes: number } | undefined;
  /** The prefix is kept only where the request marks it. */
  readonly asks: boolean;
  /** Input tokens at most; undefined where no list says so. */
  readonly window: number | undefined;
}

/** Pico-dollars a token. */
interface InputRates {
  readonly fresh: number;
  readonly read: number;
  readonly write: number;
  readonly output: number;
}

/** Undefined where a price that decides is not published but assumed, or cannot be right: a wager on it would be blind. */
export function modelEconomics(
  book: PriceBook,
  question: PriceQuestion,
): ModelEconomics | undefined {
  const price = book.find(question);
  if (price === undefined) return undefined;
  const rules = prefixRules(question.provider, question.model);
  if (isUnsure(price, rules)) return undefined;
  const base = inputRates(price.base, rules);
  const cliffs = price.longContext.map(({ above, rates }) => ({
    above,
    rates: inputRates(rates, rules),
  }));
  if (![base, ...cliffs.map(({ rates }) => rates)].every(canBeRight)) return undefined;
  return {
    base,
    cliffs,
    ttlMs: rules.mode === 'none' ? 0 : rules.ttlMs,
    long: longHold(price, rules),
    asks: rules.mode === 'explicit',
    window: windowOf(question.provider, question.model),
  };
}

/** No provider asks more for a cached token than for a new one, or several times the input for writing it. */
function canBeRight({ fresh, read, write, output }: InputRates): boolean {
  const mostForWriting = 4 * fresh;
  return (
    fresh > 0 &&
    output >= 0 &&
    read >= 0 &&
    read <= fresh &&
    write >= read &&
    write <= mostForWriting
  );
}

function longHold({ base, assumed }: ModelPrice, rules: PrefixRules): ModelEconomics['long'] {
  const { mode, ttlLongMs, writeCharged } = rules;
  if (mode === 'none' || ttlLongMs === undefined) return undefined;
  if (!writeCharged) return { ttlMs: ttlLongMs, writeTimes: 1 };
  if (assumed.includes('cacheWrite1h')) return undefined;
  return { ttlMs: ttlLongMs, writeTimes: base.cacheWrite1h / base.cacheWrite5m };
}

function isUnsure({ assumed }: ModelPrice, { mode, writeCharged }: PrefixRules): boolean {
  if (assumed.includes('fresh') || assumed.includes('output')) return true;
  if (mode === 'none') return false;
  return assumed.includes('cacheRead') || (writeCharged && assumed.includes('cacheWrite5m'));
}

function inputRates(rates: Rates, { mode, writeCharged }: PrefixRules): InputRates {
  const { fresh, output, cacheRead, cacheWrite5m } = rates;
  if (mode === 'none') return { fresh, read: fresh, write: fresh, output };
  return { fresh, read: cacheRead, write: writeCharged ? cacheWrite5m : fresh, output };
}

/** Callers choose model names, so what is remembered of them needs a limit. */
const rememberedWindows = 4096;
const windows = new Map<string, number | undefined>();

/** The window of a model as the bundled list has it; of a version that it does not have, nothing. Searching the list costs 30 us, so it is done once. */
function windowOf(provider: string, model: string): number | undefined {
  const key = `${provider}\n${model}`;
  if (windows.has(key)) return windows.get(key);
  const found = calcPrice({}, model, { providerId: provider });
  const isListed = found?.provider.id === provider && undated(found.model.id) === undated(model);
  const window = isListed ? found.model.context_window : undefined;
  if (windows.size >= rememberedWindows) windows.clear();
  windows.set(key, window);
  return window;
}
