import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputTokens, noUsage, outputTokens } from '../usage.ts';
import { anthropicUsage, updateUsage } from './anthropic-usage.ts';
import type { Growing } from './growing.ts';
import { openAiUsage } from './openai-usage.ts';

describe('openAiUsage', () => {
  it('takes cached, written and audio tokens out of the prompt, reasoning out of the completion', () => {
    const usage = openAiUsage({
      prompt_tokens: 1000,
      completion_tokens: 100,
      total_tokens: 1100,
      prompt_tokens_details: { cached_tokens: 600, cache_write_tokens: 200, audio_tokens: 50 },
      completion_tokens_details: { reasoning_tokens: 64, audio_tokens: 6 },
    });
    expect(usage).toEqual({
      ...noUsage,
      fresh: 150,
      cacheRead: 600,
      cacheWrite5m: 200,
      audioInput: 50,
      output: 30,
      reasoning: 64,
      audioOutput: 6,
    });
  });

  it('reads the names of responses, and their two lifetimes of writes', () => {
    const input_tokens_details = {
      cached_tokens: 10,
      cache_write_tokens: 50,
      cache_write_tokens_details: { ttl_30m_tokens: 20, ttl_12h_tokens: 30 },
    };
    const usage = { input_tokens: 100, input_tokens_details, output_tokens: 7, total_tokens: 107 };
    expect(openAiUsage(usage)).toEqual({
      ...noUsage,
      fresh: 40,
      cacheRead: 10,
      cacheWrite5m: 20,
      cacheWrite1h: 30,
      output: 7,
    });
  });

  it('reads what DeepSeek calls a hit', () => {
    const usage = { prompt_tokens: 14, prompt_cache_hit_tokens: 8, completion_tokens: 1 };
    expect(openAiUsage(usage)).toMatchObject({ fresh: 6, cacheRead: 8, output: 1 });
  });

  it('prefers an explicit zero to another name', () => {
    const usage = {
      prompt_tokens: 14,
      prompt_tokens_details: { cached_tokens: 0 },
      prompt_cache_hit_tokens: 8,
    };
    expect(openAiUsage(usage)).toMatchObject({ fresh: 14, cacheRead: 0 });
  });

  it('finds reasoning that only the total counts', () => {
    const completion_tokens_details = { reasoning_tokens: 300 };
    const usage = {
      prompt_tokens: 20,
      completion_tokens: 5,
      total_tokens: 325,
      completion_tokens_details,
    };
    expect(openAiUsage(usage)).toMatchObject({ fresh: 20, output: 5, reasoning: 300 });
  });

  it('tells silence from zero', () => {
    expect(openAiUsage(undefined)).toBeUndefined();
    expect(openAiUsage(null)).toBeUndefined();
    expect(openAiUsage({})).toBeUndefined();
    expect(openAiUsage({ prompt_tokens: 0, completion_tokens: 0 })).toEqual(noUsage);
  });

  it('never goes below zero and always adds up, whatever the provider claims', () => {
    const count = fc.option(fc.nat(1000), { nil: undefined });
    fc.assert(
      fc.property(fc.array(count, { minLength: 8, maxLength: 8 }), fc.nat(1000), (n, prompt) => {
        const usage = openAiUsage({
          prompt_tokens: prompt,
          completion_tokens: n[0],
          prompt_tokens_details: {
            cached_tokens: n[1],
            cache_write_tokens: n[2],
            audio_tokens: n[3],
            cache_write_tokens_details: { ttl_12h_tokens: n[4] },
          },
          completion_tokens_details: { reasoning_tokens: n[5], audio_tokens: n[6] },
        })!;
        expect(Math.min(...Object.values(usage))).toBe(0);
        expect(inputTokens(usage)).toBe(prompt);
        expect(outputTokens(usage)).toBe(n[0] ?? 0);
      }),
    );
  });
});

describe('anthropicUsage', () => {
  it('keeps its classes, which are disjoint already', () => {
    const usage = {
      input_tokens: 12,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 2048,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
      output_tokens: 15,
      output_tokens_details: { thinking_tokens: 6 },
      server_tool_use: { web_search_requests: 2 },
    };
    expect(anthropicUsage(usage)).toEqual({
      ...noUsage,
      fresh: 12,
      cacheRead: 2048,
      cacheWrite5m: 200,
      cacheWrite1h: 100,
      output: 9,
      reasoning: 6,
      webSearches: 2,
    });
  });

  it('takes writes of unknown lifetime for the default five minutes', () => {
    const usage = {
      input_tokens: 3,
      cache_creation_input_tokens: 12_304,
      cache_read_input_tokens: 0,
      output_tokens: 550,
    };
    expect(anthropicUsage(usage)).toEqual({
      ...noUsage,
      fresh: 3,
      cacheWrite5m: 12_304,
      output: 550,
    });
  });

  it('tells silence from zero', () => {
    expect(anthropicUsage(null)).toBeUndefined();
    expect(anthropicUsage({})).toBeUndefined();
    expect(anthropicUsage({ input_tokens: 0, output_tokens: 0 })).toEqual(noUsage);
  });

  it('replaces by what message_delta says, and does not add', () => {
    const usage: Growing = { input_tokens: 12, cache_read_input_tokens: 5, output_tokens: 1 };
    updateUsage(usage, { input_tokens: 12, cache_read_input_tokens: null, output_tokens: 90 });
    expect(usage).toEqual({ input_tokens: 12, cache_read_input_tokens: 5, output_tokens: 90 });
    updateUsage(usage, { input_tokens: 0, output_tokens: 91 });
    expect(usage).toMatchObject({ input_tokens: 0, output_tokens: 91 });
  });
});
