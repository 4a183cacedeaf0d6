import { inputTokens, type Usage } from '../../exchange/usage.ts';
import { dialects } from '../../exchange/wire/index.ts';
import { isObject, type JsonValue } from '../../kernel/json.ts';
import type { RecordedCall } from '../recorded.ts';

/** What the provider counted, where the record has it with what it read from its cache; undefined where it does not say. */
export function reportedUsage({ dialect, answer }: RecordedCall): Usage | undefined {
  if (!tellsReads(answer['usage'])) return undefined;
  const { usage } = dialects[dialect].answerFacts(answer);
  return usage !== undefined && inputTokens(usage) > 0 ? usage : undefined;
}

function tellsReads(usage: JsonValue | undefined): boolean {
  if (!isObject(usage)) return false;
  if (usage['cache_read_input_tokens'] !== undefined) return true;
  const details = usage['prompt_tokens_details'] ?? usage['input_tokens_details'];
  return isObject(details) && details['cached_tokens'] !== undefined;
}

/** A usage with its input made so many tokens, its classes in their proportions: our tokens are not every provider's. */
export function scaledTo(usage: Usage, tokens: number): Usage {
  const factor = tokens / Math.max(1, inputTokens(usage));
  const scaled = (count: number): number => Math.round(count * factor);
  return {
    ...usage,
    fresh: scaled(usage.fresh),
    cacheRead: scaled(usage.cacheRead),
    cacheWrite5m: scaled(usage.cacheWrite5m),
    cacheWrite1h: scaled(usage.cacheWrite1h),
  };
}
