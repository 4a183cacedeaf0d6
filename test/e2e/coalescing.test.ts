import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { chat, send, startHouse, until } from './harness.ts';

const path = '/v1/chat/completions';

it.each([false, true])(
  'a thousand identical calls at once make one (streaming: %s)',
  async (stream) => {
    const { url, provider, rows } = await startHouse({
      provider: { firstByteMs: 300, gapMs: 1, answer: () => ({ text: 'word '.repeat(50) }) },
    });
    const body = chat({ temperature: 0, stream });
    const answers = await Promise.all(Array.from({ length: 1000 }, () => send(url + path, body)));
    expect(provider.calls).toHaveLength(1);
    expect(new Set(answers.map((answer) => answer.body.toString())).size).toBe(1);
    expect(answers.every(({ status, broken }) => status === 200 && !broken)).toBe(true);
    await until(() => rows.length === 1000);
    const paid = rows.filter((row) => (row.costNanos ?? 0) > 0);
    expect(paid).toHaveLength(1);
    const spared = rows.filter((row) => row.savedBy !== undefined);
    expect(spared).toHaveLength(999);
    expect(spared.every((row) => row.savedNanos === paid[0]!.costNanos)).toBe(true);
  },
);

it('a flight goes on when its first caller leaves, and is cancelled when all have left', async () => {
  const { url, provider, rows } = await startHouse({
    provider: { gapMs: 10, answer: () => ({ text: 'word '.repeat(60) }) },
  });
  const body = chat({ temperature: 0, stream: true });
  let follower: ReturnType<typeof send> | undefined;
  await send(url + path, body, {
    onChunk(_chunk, leave) {
      if (follower !== undefined) return;
      follower = send(url + path, body);
      setTimeout(leave, 40);
    },
  }).catch(() => {});
  const answer = await follower!;
  expect(answer.broken).toBe(false);
  expect(answer.body.toString()).toContain('[DONE]');
  expect([provider.calls.length, provider.aborted]).toEqual([1, 0]);
  await until(() => rows.length === 2);
  const leader = rows.find((row) => row.outcome === 'cancelled');
  expect(leader).toMatchObject({ usageSource: 'provider', source: 'upstream' });
  expect(leader!.costNanos).toBeGreaterThan(0);
  expect(rows.find((row) => row.outcome === 'ok')).toMatchObject({
    costNanos: 0,
    savedBy: 'coalescing',
  });
  expect((await send(url + path, body)).headers['cache-status']).toContain('hit');

  const other = chat({ temperature: 0, stream: true, seed: 1 });
  const leaving = [0, 1].map(() =>
    send(url + path, other, { onChunk: (_chunk, leave) => setTimeout(leave, 20) }).catch(() => {}),
  );
  await Promise.all(leaving);
  await until(() => provider.aborted === 1);
});

it('calls that ask for chance are not merged', async () => {
  const { url, provider } = await startHouse({ provider: { firstByteMs: 30 } });
  const body = chat({ temperature: 1 });
  await Promise.all([send(url + path, body), send(url + path, body)]);
  expect(provider.calls).toHaveLength(2);
});

describe('a plain flight', () => {
  const body = chat({ temperature: 0 });

  /** Asks and hangs up, or is given up, before the answer has come. */
  function leaving(url: string, headers: Record<string, string> = {}): { leave: () => void } {
    const asked = request(url + path, { method: 'POST', headers }, (response) => response.resume());
    asked.on('error', () => {});
    asked.end(body);
    return { leave: () => asked.destroy() };
  }

  it('goes on for the others when the caller who began it leaves', async () => {
    const { url, provider, rows } = await startHouse({ provider: { firstByteMs: 1200 } });
    const first = leaving(url);
    await until(() => provider.inFlight === 1);
    const other = send(url + path, body);
    await until(() => provider.inFlight === 1);
    setTimeout(first.leave, 500);
    expect((await other).status).toBe(200);
    expect([provider.calls.length, provider.aborted]).toEqual([1, 0]);
    await until(() => rows.length === 2);
    expect(rows.map(({ outcome }) => outcome).toSorted()).toEqual(['cancelled', 'ok']);
    // Who began it pays, though he left; nobody pays twice.
    const costs = rows.map(({ costNanos }) => costNanos ?? 0).filter((cost) => cost > 0);
    expect(costs).toHaveLength(1);
  });

  it('goes on for the others when the deadline of the caller who began it passes', async () => {
    const { url, provider } = await startHouse({ provider: { firstByteMs: 1200 } });
    const headers = { 'x-economizer-deadline': '500ms' };
    const first = send(url + path, body, { headers });
    await until(() => provider.inFlight === 1);
    const [late, other] = await Promise.all([first, send(url + path, body)]);
    expect([late.status, other.status]).toEqual([504, 200]);
    expect([provider.calls.length, provider.aborted]).toEqual([1, 0]);
  });

  it('is cancelled before its first byte when all have left', async () => {
    const { url, provider, rows } = await startHouse({ provider: { firstByteMs: 5000 } });
    const callers = [leaving(url), leaving(url)];
    await until(() => provider.inFlight === 1);
    callers[0]!.leave();
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(provider.aborted).toBe(0);
    callers[1]!.leave();
    await until(() => provider.aborted === 1 && rows.length === 2);
    expect(rows.map(({ outcome }) => outcome)).toEqual(['cancelled', 'cancelled']);
  });
});
