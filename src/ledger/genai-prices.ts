import {
  calcPrice,
  type ConditionalPrice,
  type ModelPrice as ListedPrice,
} from '@pydantic/genai-prices';
import type { ModelPrice, PriceTier } from './model-price.ts';
import type { DatedPrice } from './price-source.ts';
import { ratesOf, type DollarRates } from './rates.ts';

const provenance = '@pydantic/genai-prices 0.1.8';
const dayMs = 86_400_000;

/**
 * All prices that the bundled list has for a model, the last that holds at a moment going first; undefined for a provider or model that it
 * does not know. The list finds models by patterns of its own and reads dated snapshots.
 */
export function listedPrices(provider: string, model: string): readonly DatedPrice[] | undefined {
  const found = calcPrice({}, model, { providerId: provider });
  // Asked for `my-openai-proxy`, the list would answer with OpenAI's prices; who proxies may charge something else.
  if (found === null || !isSameProvider(found.provider, provider)) return undefined;
  if (isOtherVersion(model, found.model.id)) return undefined;
  const { prices, id } = found.model;
  const conditional: readonly ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }];
  const dated = conditional.flatMap((each) => datedPrice(each, id));
  return dated.length === 0 ? undefined : dated.toReversed();
}

function isSameProvider(found: { readonly id: string }, asked: string): boolean {
  return found.id === asked.trim().toLowerCase();
}

/**
 * Some patterns match by beginning only, and so `claude-sonnet-5-7` would get the price of `claude-sonnet-5`. A model of
 * a version that the list does not have costs unknown, not what another version costs.
 */
function isOtherVersion(model: string, listedId: string): boolean {
  const name = model.trim().toLowerCase();
  return (
    listedId.startsWith('claude-') &&
    name.startsWith(listedId) &&
    /^[-.]\d{1,2}(?![\d])/.test(name.slice(listedId.length))
  );
}

function datedPrice(conditional: ConditionalPrice, model: string): DatedPrice[] {
  const price = modelPrice(conditional.prices, model);
  if (price === undefined) return [];
  const { constraint } = conditional;
  if (constraint === undefined) return [{ holds: () => true, price }];
  if (constraint.type === 'start_date') {
    const from = Date.parse(constraint.start_date);
    return [{ holds: (at) => at >= from, price }];
  }
  const start = timeOfDayMs(constraint.start_time);
  const end = timeOfDayMs(constraint.end_time);
  return [
    {
      holds(at) {
        const time = ((at % dayMs) + dayMs) % dayMs;
        return end < start ? time >= start || time < end : time >= start && time < end;
      },
      price,
    },
  ];
}

/** Milliseconds since midnight UTC of a time such as `01:00:00Z`. */
function timeOfDayMs(text: string): number {
  return ((Date.parse(`1970-01-01T${text}`) % dayMs) + dayMs) % dayMs;
}

/** Undefined for models that are not billed by the token, such as transcription by the hour. */
function modelPrice(listed: ListedPrice, model: string): ModelPrice | undefined {
  const base = dollarsAt(listed, -1);
  if (base === undefined) return undefined;
  const { rates, assumed } = ratesOf(base);
  const longContext: PriceTier[] = tierStarts(listed).map((above) => ({
    above,
    rates: ratesOf(dollarsAt(listed, above) ?? base).rates,
  }));
  return { model, provenance, base: rates, longContext, assumed };
}

/** Where tiers begin, the highest first. The list's tiers are cliffs: past the start the whole request pays them. */
function tierStarts(listed: ListedPrice): readonly number[] {
  const starts = new Set<number>();
  for (const price of Object.values(listed)) {
    if (typeof price === 'object') for (const tier of price.tiers) starts.add(tier.start);
  }
  return [...starts].sort((first, second) => second - first);
}

/** The list's dollars for requests of more than `above` input tokens. */
function dollarsAt(listed: ListedPrice, above: number): DollarRates | undefined {
  const dollars = (name: string): number | undefined => {
    const price = listed[name];
    if (typeof price !== 'object') return price;
    let found = price.base;
    for (const tier of price.tiers) if (tier.start <= above) found = tier.price;
    return found;
  };
  const input = dollars('input_mtok');
  if (input === undefined) return undefined;
  return {
    input,
    output: dollars('output_mtok'),
    cacheRead: dollars('cache_read_mtok'),
    cacheWrite5m: dollars('cache_write_mtok'),
    cacheWrite1h: dollars('cache_write_1h_mtok'),
    reasoning: dollars('output_reasoning_mtok'),
    audioInput: dollars('input_audio_mtok'),
    audioOutput: dollars('output_audio_mtok'),
    webSearchPerThousand: dollars('web_searches_kcount'),
  };
}
