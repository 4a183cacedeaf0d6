import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configOf } from '../config/load.ts';
import type { ReplayReport } from '../replay/report.ts';
import { replayText } from './replay-table.ts';
import { replayFiles } from './replay.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
});
afterAll(() => rm(folder, { recursive: true }));

const rules = 'You answer for a shop. Be brief, be kind, and never guess a price. '.repeat(120);

async function run(records: readonly object[], model?: string): Promise<ReplayReport> {
  const file = join(folder, 'traffic.jsonl');
  await writeFile(file, records.map((each) => JSON.stringify(each)).join('\n'));
  return replayFiles([file], { model, config: configOf({}) });
}

const chat = (topic: string, turns: number, tenant?: string): object => ({
  model: 'gpt-4o',
  tenant,
  messages: [
    { role: 'system', content: rules },
    ...Array.from({ length: turns }, (_, turn) => [
      { role: 'user', content: `${topic}, question ${turn}` },
      { role: 'assistant', content: `${topic}, answer ${turn}` },
    ]).flat(),
  ],
});

const call = (at: number, request: object, content: string): object => ({
  at_ms: at,
  request: { model: 'gpt-4o', messages: [{ role: 'user', content: rules }], ...request },
  response: {
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
  },
});

describe.each(['gpt-4o', 'claude-sonnet-5', 'gpt-5.6-sol', 'gemini-2.5-flash'])(
  'through the real pipeline as %s',
  (model) => {
    it('unlike conversations cost what they cost without us', async () => {
      const report = await run([chat('lamps', 3), chat('bulbs', 2)], model);
      expect(report.calls).toBe(5);
      expect(report.answers_changed).toBe(0);
      expect(report.saved).toEqual({ usd: 0, by: {} });
      expect(report.with).toEqual(report.without);
      expect(report.ideal.usd).toBeLessThanOrEqual(report.without.usd);
    });
  },
);

it('saves by its cache what is asked again, and books each nano-dollar', async () => {
  const report = await run([chat('lamps', 3), chat('lamps', 3), chat('bulbs', 1)]);
  expect(report.answers_changed).toBe(0);
  expect(report.saved.by['exact-cache']).toBeGreaterThan(0);
  const nano = (usd: number): number => Math.round(usd * 1e9);
  const booked = Object.values(report.saved.by).reduce((sum, each) => sum + nano(each), 0);
  expect(booked).toBe(nano(report.saved.usd));
  expect(nano(report.without.usd) - nano(report.with.usd)).toBe(nano(report.saved.usd));
  expect(replayText(report)).toMatch(/every answer is the recorded one[^]*exact-cache/);
});

it('lets equal calls of one moment share a flight, plain and streamed', async () => {
  for (const stream of [false, true]) {
    const report = await run([
      call(0, { stream }, 'yes'),
      call(100, { stream }, 'yes'),
      call(90_000, { stream }, 'yes'),
    ]);
    expect(report.answers_changed).toBe(0);
    expect(Object.keys(report.saved.by).sort()).toEqual(['coalescing', 'exact-cache']);
  }
});

it('never reuses an answer across tenants, nor a sampled one', async () => {
  const tenants = await run([chat('lamps', 1, 'a'), chat('lamps', 1, 'b')]);
  expect(tenants.saved.usd).toBe(0);
  const sampled = await run([
    call(0, { temperature: 0.7 }, 'yes'),
    call(60_000, { temperature: 0.7 }, 'no'),
  ]);
  expect(sampled).toMatchObject({ answers_changed: 0, saved: { usd: 0 } });
});

it('reads traffic in the dialect of Anthropic with its own marks', async () => {
  const record = (at: number, question: string): object => ({
    at_ms: at,
    request: {
      model: 'claude-sonnet-5',
      max_tokens: 10,
      system: [{ type: 'text', text: rules, cache_control: { type: 'ephemeral' } }],
      messages: [{ role: 'user', content: question }],
    },
    response: {
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: question }],
      stop_reason: 'end_turn',
    },
  });
  const { without, answers_changed: changed } = await run([record(0, 'a'), record(60_000, 'b')]);
  expect(changed).toBe(0);
  expect(without.tokens.cache_read).toBe(without.tokens.cache_write);
  expect(without.tokens.cache_read).toBeGreaterThan(1_024);
});
