/**
 * `npm run bench:budget-path`: what budgets add to a call of 2 KB, in microseconds: the whole pipeline in one process, before a provider that
 * answers at once, without budgets and with them, in turns. The least of many rounds, each shorter than a turn of the scheduler, as other work on the
 * machine only adds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble, type Assembly } from '../../src/assembly/assembly.ts';
import { configOf } from '../../src/config/load.ts';
import { newCall, type Call } from '../../src/exchange/call.ts';
import { dialects } from '../../src/exchange/wire/index.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { newId } from '../../src/kernel/ids.ts';
import { Signals } from '../../src/kernel/signals.ts';

const callsARound = 16;
const rounds = 1500;

const answer = Buffer.from(
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    model: 'gpt-4o',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Yes.' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 500, completion_tokens: 2, total_tokens: 502 },
  }),
);
const periods = ['total', 'monthly', 'weekly', 'daily', 'session'];
const root = mkdtempSync(join(tmpdir(), 'economizer-bench-'));

function house(name: string, store: 'memory' | 'sqlite', count: number): Assembly {
  const config = configOf({
    data: join(root, name),
    cache: { enabled: false },
    budgets: periods.slice(0, count).map((period) => ({ id: period, period, limit_usd: 1e6 })),
    budgeting: { store },
    providers: { openai: { kind: 'openai', base_url: 'http://127.0.0.1:9/v1', api_key: 'k' } },
  } as never);
  const upstream = {
    send: () =>
      Promise.resolve({ status: 200, headers: ['content-type', 'application/json'], body: answer }),
  };
  return assemble({ config, clock: systemClock, signals: new Signals(), upstream });
}

let asked = 0;
function nextCall(): Call {
  const content = `${asked++} ${'Then she said: look at row 42. '.repeat(62)}`;
  const startedAt = systemClock.now();
  return newCall({
    id: newId(startedAt),
    provider: { name: 'openai', priceId: 'openai', asksStreamUsage: true },
    dialect: dialects['openai-chat'],
    method: 'POST',
    path: '/chat/completions',
    headers: [],
    body: Buffer.from(JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }] })),
    startedAt,
    startedTick: systemClock.tick(),
    caller: { tenant: 'default', agent: 'a', session: 's', tags: [] },
  });
}

/** Microseconds a call; eight at a time, as the rows of one turn are written together. */
async function round({ pipeline }: Assembly): Promise<number> {
  const calls = Array.from({ length: callsARound }, nextCall);
  const began = performance.now();
  for (let at = 0; at < calls.length; at += 8) {
    await Promise.all(calls.slice(at, at + 8).map((call) => pipeline.run(call)));
  }
  return (1000 * (performance.now() - began)) / callsARound;
}

const houses = {
  off: house('off', 'memory', 0),
  'memory, 1 budget': house('m1', 'memory', 1),
  'memory, 5 budgets': house('m5', 'memory', 5),
  'sqlite, 1 budget': house('s1', 'sqlite', 1),
  'sqlite, 5 budgets': house('s5', 'sqlite', 5),
};
const least = new Map<string, number>();
for (let count = 0; count < rounds; count++) {
  for (const [name, each] of Object.entries(houses)) {
    const us = await round(each);
    if (count > 300) least.set(name, Math.min(us, least.get(name) ?? Infinity));
  }
}
const off = least.get('off')!;
for (const [name, us] of least) {
  console.log(`${name.padEnd(18)} ${us.toFixed(1).padStart(7)} us  +${(us - off).toFixed(1)}`);
}
for (const each of Object.values(houses)) await each.close();
rmSync(root, { recursive: true, force: true });
