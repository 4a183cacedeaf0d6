import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import { seededRandom } from '../../src/kernel/random.ts';
import { startFakeProvider } from '../../src/testing/fake-provider.ts';
import { chat, send, temporaryFolder, until } from '../e2e/harness.ts';

const program = new URL('../../src/cli/economizer.ts', import.meta.url).pathname;

/** A gateway in a process of its own, which can be killed. */
async function start(config: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [program, 'serve', '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, url: (JSON.parse(line.toString()) as { url: string }).url };
}

/** Whether the cache has an answer in its file. */
function hasEntries(path: string): boolean {
  const cache = new DatabaseSync(path, { readOnly: true });
  try {
    return cache.prepare('SELECT 1 FROM entries LIMIT 1').get() !== undefined;
  } finally {
    cache.close();
  }
}

it(
  'kill -9 under load loses no answered call and leaves a sound cache',
  { timeout: 90_000 },
  async () => {
    const provider = await startFakeProvider({ answer: () => ({ text: 'word '.repeat(30) }) });
    onTestFinished(() => provider.close());
    const data = temporaryFolder();
    const config = join(data, 'economizer.json');
    const openai = { kind: 'openai', base_url: `${provider.url}/v1`, api_key: 'k' };
    writeFileSync(config, JSON.stringify({ data, listen: { port: 0 }, providers: { openai } }));
    const random = seededRandom(7);
    /** Ids of calls whose answers were received whole, with what was asked. */
    const answered = new Map<string, { body: string; question: string }>();
    /** All answers to a question: one that a kill kept from being stored is given anew in the next life. */
    const answers = new Map<string, Set<string>>();
    for (let round = 0; round < 3; round++) {
      const { child, url } = await start(config);
      const life = { over: false };
      const drive = async (lane: number): Promise<void> => {
        for (let count = 0; !life.over; count++) {
          const streams = lane % 2 === 0 ? { stream: true } : {};
          const body = chat({
            temperature: 0,
            // Asked once and never again: an answer that died with its process must not be made anew under the same key.
            seed: 1000 * round + lane,
            ...streams,
            n: count + 1,
          });
          const answer = await send(`${url}/v1/chat/completions`, body).catch(() => undefined);
          const id = answer?.headers['x-economizer-id'];
          if (answer === undefined || answer.broken || typeof id !== 'string') return;
          const question = `${lane} ${count}`;
          answered.set(id, { body, question });
          const given = answers.get(question) ?? new Set();
          answers.set(question, given.add(answer.body.toString()));
        }
      };
      const load = Promise.all(Array.from({ length: 12 }, (_, lane) => drive(lane)));
      // Answers are written behind the calls, on a busy machine late.
      await until(() => hasEntries(join(data, 'cache.sqlite')));
      await new Promise((resolve) => setTimeout(resolve, 500 + 700 * random.next()));
      child.kill('SIGKILL');
      await once(child, 'exit');
      life.over = true;
      await load;
    }
    expect(answered.size).toBeGreaterThan(50);

    const { child, url } = await start(config);
    // Whatever of the cache survived is what was answered then.
    let hits = 0;
    for (const { body, question } of [...answered.values()].slice(0, 200)) {
      const again = await send(`${url}/v1/chat/completions`, body);
      if (!String(again.headers['cache-status']).includes('hit')) continue;
      hits++;
      expect(answers.get(question)).toContain(again.body.toString());
    }
    expect(hits).toBeGreaterThan(0);
    child.kill('SIGTERM');
    await once(child, 'exit');

    const ledger = new DatabaseSync(join(data, 'ledger.sqlite'), { readOnly: true });
    const rows = ledger.prepare('SELECT id FROM calls').all() as { id: string }[];
    const booked = new Set(rows.map(({ id }) => id));
    expect(booked.size).toBe(rows.length);
    expect([...answered.keys()].filter((id) => !booked.has(id))).toEqual([]);
    ledger.close();
    const cache = new DatabaseSync(join(data, 'cache.sqlite'), { readOnly: true });
    expect(cache.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    cache.close();
  },
);
