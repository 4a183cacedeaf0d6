import type { DialectName } from '../../exchange/dialect.ts';
import { inputTokens, outputTokens, type Usage } from '../../exchange/usage.ts';
import type { JsonObject } from '../../kernel/json.ts';

/** A usage in the form in which the dialect's provider writes it. */
export function wireUsage(dialect: DialectName, usage: Usage): JsonObject {
  return forms[dialect](usage);
}

const forms: Record<DialectName, (usage: Usage) => JsonObject> = {
  'openai-chat': chatUsage,
  'openai-completions': chatUsage,
  'openai-responses': responsesUsage,
  'openai-embeddings': (usage) => ({
    prompt_tokens: inputTokens(usage),
    total_tokens: inputTokens(usage),
  }),
  'anthropic-messages': anthropicUsage,
  'anthropic-count-tokens': (usage) => ({ input_tokens: inputTokens(usage) }),
};

function written(usage: Usage): number {
  return usage.cacheWrite5m + usage.cacheWrite1h;
}

function chatUsage(usage: Usage): JsonObject {
  const prompt = inputTokens(usage);
  const completion = outputTokens(usage);
  const writes = written(usage);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: usage.cacheRead,
      ...(writes > 0 && { cache_write_tokens: writes }),
      audio_tokens: usage.audioInput,
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: usage.audioOutput,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function responsesUsage(usage: Usage): JsonObject {
  const input = inputTokens(usage);
  const output = outputTokens(usage);
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: written(usage) },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + output,
  };
}

function anthropicUsage(usage: Usage): JsonObject {
  return {
    input_tokens: usage.fresh,
    cache_creation_input_tokens: written(usage),
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5m,
      ephemeral_1h_input_tokens: usage.cacheWrite1h,
    },
    output_tokens: outputTokens(usage),
    service_tier: 'standard',
  };
}
