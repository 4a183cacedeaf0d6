import { countOf, isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { noUsage, type Usage } from '../usage.ts';

/**
 * What an OpenAI-compatible provider counted, in disjoint classes; undefined where it did not say. Reads the names of
 * chat, completions and embeddings (`prompt_tokens`) and of responses (`input_tokens`) alike.
 * Cached, written and audio tokens are parts of the prompt, reasoning and audio parts of the completion. Parts that
 * claim more than their whole are cut, so that the classes always add up to what was counted.
 */
export function openAiUsage(usage: JsonValue | undefined): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const prompt = countOf(usage['prompt_tokens']) ?? countOf(usage['input_tokens']);
  if (prompt === undefined) return undefined;
  return { ...noUsage, ...inputClasses(usage, prompt), ...outputClasses(usage, prompt) };
}

function inputClasses(usage: JsonObject, prompt: number): Partial<Usage> {
  const details = partsOf(usage, 'prompt_tokens_details', 'input_tokens_details');
  const pot = new Pot(prompt);
  const cacheRead = pot.take(
    details['cached_tokens'],
    // DeepSeek and Moonshot name the same count at the top.
    usage['prompt_cache_hit_tokens'],
    usage['cached_tokens'],
  );
  const written = pot.take(details['cache_write_tokens']);
  const audioInput = pot.take(details['audio_tokens']);
  const long = new Pot(written);
  // OpenAI has two lifetimes, 30 minutes and 12 hours; the longer goes to the class of longer-lived writes.
  const cacheWrite1h = long.take(partsOf(details, 'cache_write_tokens_details')['ttl_12h_tokens']);
  return { fresh: pot.rest, cacheRead, cacheWrite5m: long.rest, cacheWrite1h, audioInput };
}

function outputClasses(usage: JsonObject, prompt: number): Partial<Usage> {
  const details = partsOf(usage, 'completion_tokens_details', 'output_tokens_details');
  const total = countOf(usage['total_tokens']) ?? 0;
  const completion = countOf(usage['completion_tokens']) ?? countOf(usage['output_tokens']) ?? 0;
  // xAI and Gemini leave reasoning out of the completion but bill it; it shows only in their total.
  const unlisted = Math.max(0, total - prompt - completion);
  const pot = new Pot(completion + unlisted);
  const reasoning = pot.take(Math.max(unlisted, countOf(details['reasoning_tokens']) ?? 0));
  const audioOutput = pot.take(details['audio_tokens']);
  return { output: pot.rest, reasoning, audioOutput };
}

/** A count that is handed out in parts, never more than there is. */
class Pot {
  rest: number;

  constructor(whole: number) {
    this.rest = whole;
  }

  /** Takes the first of `wishes` that is a count. */
  take(...wishes: readonly (JsonValue | undefined)[]): number {
    for (const wish of wishes) {
      const count = countOf(wish);
      if (count === undefined) continue;
      const taken = Math.min(count, this.rest);
      this.rest -= taken;
      return taken;
    }
    return 0;
  }
}

function partsOf(from: JsonObject, ...names: readonly string[]): JsonObject {
  for (const name of names) {
    const parts = from[name];
    if (isObject(parts)) return parts;
  }
  return {};
}
