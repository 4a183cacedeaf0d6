/** One house in a process of its own: `worker.ts ROOT SET`. Told how many calls of which kind, it answers with CPU microseconds a call. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { Reply } from '../../src/exchange/reply.ts';
import { BodySource, type Traffic } from '../gateway/bodies.ts';

const [root, set] = process.argv.slice(2) as [string, string];
const load = async <Module>(path: string): Promise<Module> =>
  (await import(pathToFileURL(join(root, 'src', path)).href)) as Module;
// Older checkouts have it elsewhere.
const assembly = existsSync(join(root, 'src/assembly.ts')) ? 'assembly.ts' : 'assembly/assembly.ts';
const { assemble } = await load<typeof import('../../src/assembly/assembly.ts')>(assembly);
const { configOf } = await load<typeof import('../../src/config/load.ts')>('config/load.ts');
const { openCall, withWholeBody } =
  await load<typeof import('../../src/gateway/open-call.ts')>('gateway/open-call.ts');
const { systemClock } = await load<typeof import('../../src/kernel/clock.ts')>('kernel/clock.ts');
const { Signals } = await load<typeof import('../../src/kernel/signals.ts')>('kernel/signals.ts');

const key = 'bench-key-of-thirty-two-characters';
const sha256 = createHash('sha256').update(key).digest('hex');
const budgets: ConfigFile['budgets'] = [
  { id: 'house', limit_usd: 100_000, period: 'monthly' },
  { id: 'tenant', limit_usd: 90_000, period: 'daily', scope: { tenant: '*' } },
  { id: 'agent', limit_usd: 80_000, period: 'daily', scope: { agent: '*' } },
];
const sets: Readonly<Record<string, ConfigFile>> = {
  nothing: {},
  keys: { access: { keys: [{ id: 'bench', tenant: 'bench', sha256 }] } },
  memory: { budgets, budgeting: { store: 'memory' } },
  sqlite: { budgets, budgeting: { store: 'sqlite' } },
};

const answer = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_790_000_000,
    model: 'gpt-4o-2024-08-06',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'The quick brown fox. '.repeat(30), refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 500, completion_tokens: 150, total_tokens: 650 },
  }),
);
const headers = ['content-type', 'application/json', 'content-length', String(answer.length)];
const upstream = {
  async send(): Promise<Reply> {
    await turn();
    return { status: 200, headers, body: answer };
  },
};

const data = mkdtempSync(join(tmpdir(), 'economizer-bench-'));
const provider = {
  kind: 'openai',
  base_url: 'http://127.0.0.1:9/v1',
  api_key: 'sk-bench',
} as const;
const config = configOf({ data, providers: { openai: provider }, ...sets[set] });
const house = assemble({ config, clock: systemClock, signals: new Signals(), upstream });
await (house as Partial<typeof house>).ready?.();
const door = { ...house, clock: systemClock };
const rawHeaders = Object.entries({
  host: '127.0.0.1:8383',
  'content-type': 'application/json',
  accept: 'application/json',
  'user-agent': 'OpenAI/JS 6.0.0',
  authorization: `Bearer ${key}`,
  'x-stainless-lang': 'js',
  'x-stainless-runtime': 'node',
  'x-economizer-agent': 'bench',
}).flat();
const head = { method: 'POST', target: '/v1/chat/completions', rawHeaders, peer: '127.0.0.1' };
const lanes = 8;

/** CPU of this thread in microseconds a call; making the requests is not counted. */
async function round(traffic: Traffic, bytes: number, calls: number): Promise<number> {
  const nonce = String(Math.random());
  const sources = Array.from({ length: lanes }, (_, connection) => {
    return new BodySource({ traffic, bytes, streams: false, connection, nonce });
  });
  let used = 0;
  for (let done = 0; done < calls; done += lanes) {
    const bodies = sources.map((source) => Buffer.concat([...source.next()]));
    const before = process.threadCpuUsage();
    await Promise.all(bodies.map((body) => one(body)));
    const { user, system } = process.threadCpuUsage(before);
    used += user + system;
  }
  return used / calls;
}

async function one(body: Buffer): Promise<void> {
  const opened = openCall(head, door);
  if (opened.fault !== undefined) throw opened.fault;
  const reply = await house.pipeline.run(withWholeBody(opened, body, house.routes));
  if (reply.status !== 200) throw new Error(`status ${reply.status}`);
}

type Asked = { readonly traffic: Traffic; readonly bytes: number; readonly calls: number } | 'end';

async function answered(asked: Asked): Promise<void> {
  if (asked !== 'end') {
    process.send!(await round(asked.traffic, asked.bytes, asked.calls));
    return;
  }
  await house.close();
  rmSync(data, { recursive: true, force: true });
  process.disconnect();
}

process.on('message', (asked: Asked) => void answered(asked));
process.send!('ready');
