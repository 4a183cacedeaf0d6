import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assemble } from '../../src/assembly/assembly.ts';
import { configOf } from '../../src/config/load.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { seededRandom } from '../../src/kernel/random.ts';
import { costOf } from '../../src/ledger/cost.ts';
import { prefixRules } from '../../src/ledger/prefix-rules.ts';
import { createPriceBook } from '../../src/ledger/price-book.ts';
import type { LedgerRow } from '../../src/ledger/row.ts';
import { asModel } from '../../src/replay/as-model.ts';
import { loadTokenizer } from '../../src/replay/provider/tokenizer.ts';
import { readSession } from '../../src/replay/read-session.ts';
import { replay } from '../../src/replay/replay.ts';
import { Timeline, type Session } from '../../src/replay/traffic.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fitting-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const words = 'order parcel depot invoice refund customer address label carrier route'.split(' ');

/** Agent sessions with long tool results; every `pause`th call comes an hour late. */
function sessions(
  model: string,
  shape: { calls: number; words: number; pause: number },
): Session[] {
  const random = seededRandom(5);
  const prose = (count: number): string =>
    Array.from({ length: count }, () => words[Math.floor(random.next() * words.length)]).join(' ');
  const recorded = [0, 1, 2].map((number) => {
    let at = number * 100_000_000;
    const messages: object[] = [
      { role: 'system', content: prose(1500) },
      { role: 'user', content: `Find parcel ${number}.` },
    ];
    for (let call = 0; call < shape.calls; call++) {
      at += shape.pause > 0 && call % shape.pause === shape.pause - 1 ? 3_600_000 : 5000;
      const id = `c${number}-${call}`;
      const called = { name: 'look', arguments: JSON.stringify({ query: prose(20) }) };
      const tool_calls = [{ id, type: 'function', function: called }];
      messages.push({ role: 'assistant', content: null, tool_calls, at_ms: at });
      messages.push({ role: 'tool', tool_call_id: id, content: prose(shape.words) });
    }
    const text = JSON.stringify({ model: 'gpt-4o', agent: 'a', session: `s${number}`, messages });
    const session = readSession({ file: 'test', number: 1, text });
    const calls = session.calls.map((call) => asModel(call, model));
    return Object.assign(session, { calls });
  });
  return new Timeline().place(recorded);
}

async function run(model: string, shape: Parameters<typeof sessions>[1], file: ConfigFile) {
  const book = createPriceBook();
  const rows: LedgerRow[] = [];
  const config = configOf({ cache: { enabled: false }, ledger: { enabled: false }, ...file });
  const result = await replay({
    sessions: sessions(model, shape),
    openPipeline({ upstream, clock, signals }) {
      signals.on('call-ended', ({ row }) => rows.push(row as LedgerRow));
      const assembly = assemble({
        config: { ...config, dataDirectory: folder },
        clock,
        signals,
        upstream,
      });
      return Promise.resolve({
        run: (call) => assembly.pipeline.run(call),
        close: () => assembly.close(),
      });
    },
    tokenizer: await loadTokenizer(),
    rulesOf: prefixRules,
    price({ usage, ...question }) {
      const price = book.find(question);
      return price === undefined ? undefined : costOf(usage, price);
    },
    startMs: Date.UTC(2026, 10, 20),
  });
  const booked = rows.reduce((sum, row) => sum + (row.savedNanos ?? 0), 0);
  return { result, rows, booked };
}

const heavy = { calls: 30, words: 3000, pause: 0 };
const fit = { enabled: true, keep_recent: 6 };

describe('fitting through the pipeline', () => {
  it.each([
    ['gpt-4o', heavy, 0.6],
    ['gpt-5-mini', heavy, 0.9],
    ['gpt-6.1-sol', heavy, 1],
    ['gpt-6.1-sol', { ...heavy, pause: 10 }, 0.85],
    ['gpt-5-mini', { calls: 20, words: 300, pause: 0 }, 1],
  ])(
    '%s, %o: costs at most %d of what it cost, and books what it saved',
    async (model, shape, most) => {
      const { result, rows, booked } = await run(model, shape, { fit });
      expect(result.answersChanged).toBe(0);
      const saved = result.without.nanos - result.with.nanos;
      expect(result.with.nanos / result.without.nanos).toBeLessThanOrEqual(most);
      // The ledger has only the provider's usage to go by, and comes within a few percent of the truth.
      expect(Math.abs(booked - saved) / result.without.nanos).toBeLessThan(0.03);
      const fitted = rows.filter(({ savedBy }) => savedBy === 'fitting');
      if (saved > 0) expect(fitted.length).toBeGreaterThan(0);
      for (const { savedBasis } of fitted) expect(savedBasis).toBe('estimated');
      const predicted = rows.reduce((sum, row) => sum + (row.predictedNanos ?? 0), 0);
      if (saved > 0.1 * result.without.nanos) expect(predicted / saved).toBeGreaterThan(0.3);
    },
  );

  it('works beside the care for prefixes', async () => {
    const care = { breakpoints: true };
    const alone = await run('claude-sonnet-5-5', heavy, { care });
    const both = await run('claude-sonnet-5-5', heavy, { care, fit });
    expect(both.result.with.nanos).toBeLessThan(alone.result.with.nanos);
  });

  it('is off unless it is switched on', async () => {
    const { result } = await run('gpt-4o', { calls: 8, words: 500, pause: 0 }, {});
    expect(result.with.nanos).toBe(result.without.nanos);
  });
});
