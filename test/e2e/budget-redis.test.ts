import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import { all, balance, charged, walled } from './budget-house.ts';
import { chat, send, startHouse, temporaryFolder, until, type House } from './harness.ts';

const chatPath = '/v1/chat/completions';

async function redis(): Promise<RedisServer> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  return server;
}

function house(server: RedisServer, limit: string, budgeting: object = {}): Promise<House> {
  return walled([all(limit)], {
    config: {
      redis: { url: server.url },
      budgeting: { store: 'redis', lease: '3s', ...budgeting } as never,
    },
    provider: { firstByteMs: 5 },
  });
}

/** The first calls may come before gateways on an empty Redis have waited for each other. */
async function warm({ url }: House): Promise<void> {
  for (;;) {
    const { status } = await send(url + chatPath, chat({ max_tokens: 1 }));
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** `economizer budget` as another process would run it, on the configuration of a house. */
async function command({ config }: House, ...words: string[]): Promise<number> {
  const file = join(temporaryFolder(), 'economizer.yaml');
  const { dataDirectory: data, redis: shared } = config;
  const budgets = [all('1')];
  const budgeting = { store: 'redis' };
  const given = { data, redis: { url: shared!.url }, budgets, budgeting };
  writeFileSync(file, JSON.stringify(given));
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockReturnValue(true),
  );
  try {
    return await runProgram(['budget', ...words, '--config', file]);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe.runIf(hasRedis)('a budget in Redis', () => {
  it('is one wall for two gateways', async () => {
    const server = await redis();
    const [one, two] = await Promise.all([house(server, '0.01'), house(server, '0.01')]);
    await Promise.all([warm(one), warm(two)]);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        send(
          (index % 2 === 0 ? one : two).url + chatPath,
          chat({ max_tokens: 60, stream: index % 3 === 0 }),
        ),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 429]));
    await until(() => one.rows.length + two.rows.length >= 202);
    const sum = charged(one) + charged(two);
    const found = await balance(one);
    expect(found).toEqual({ spent: sum, held: 0 });
    expect(sum).toBeLessThanOrEqual(10_000_000);
  }, 60_000);

  it('refuses calls while Redis is away, at once, and takes them again when it is back', async () => {
    const server = await redis();
    const only = await house(server, '1');
    await warm(only);
    await server.kill();
    const began = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send(only.url + chatPath, chat({ max_tokens: 5 }))),
    );
    expect(answers.every(({ status }) => status === 503)).toBe(true);
    expect(performance.now() - began).toBeLessThan(3000);
    expect(String(answers[0]!.body)).toContain('ECO_BUDGET_STORE');
    const before = charged(only);
    await server.restart(); // empty
    await warm(only);
    const { spent } = await balance(only);
    expect(before).toBeGreaterThan(0);
    expect(spent).toBe(charged(only));
  }, 60_000);

  it('carries the emergency switch of the command line to all gateways, on and off', async () => {
    const server = await redis();
    const [one, two] = await Promise.all([house(server, '1'), house(server, '1')]);
    await Promise.all([warm(one), warm(two)]);
    const ask = (at: House) => send(at.url + chatPath, chat({ max_tokens: 1 }));
    const isShut = async (at: House): Promise<boolean> => {
      const { status, body } = await ask(at);
      return status === 429 && String(body).includes('The emergency switch is on');
    };
    expect(await command(one, 'emergency', 'on', '--for', '1h')).toBe(0);
    await until(async () => (await isShut(one)) && (await isShut(two)));
    expect(await command(two, 'emergency', 'off')).toBe(0);
    await until(async () => (await ask(one)).status === 200 && (await ask(two)).status === 200);
    expect(await command(one, 'emergency', 'off')).toBe(1);
  }, 60_000);

  it('needs no Redis where no budget is configured', async () => {
    const free = await startHouse({ config: { budgeting: { store: 'redis' } } });
    expect((await send(free.url + chatPath, chat())).status).toBe(200);
  });
});
