import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { chat, send, until } from '../e2e/harness.ts';
import { isFromEdge, query, queryHouse, type QueryHouse } from '../e2e/query-house.ts';
import { hasVarnish } from '../services/varnish-server.ts';

/** Asks until the edge answers by itself. */
async function untilKept({ edge }: QueryHouse, body: object): Promise<void> {
  await until(async () => {
    const answer = await query(edge.url, body);
    expect(answer.status).toBe(200);
    return isFromEdge(answer);
  });
}

/** Begins to send a question and leaves in the middle of it. */
function halfAQuestion(url: string, body: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      const head = [
        'QUERY /v1/chat/completions HTTP/1.1',
        'Host: edge',
        'Authorization: Bearer ann',
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ];
      socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, body.length / 2)}`, () => {
        socket.destroy();
        resolve();
      });
    });
    socket.on('error', reject);
  });
}

describe.skipIf(!hasVarnish)('an edge that keeps answers to QUERY', () => {
  it('is down, hangs or comes back empty, and calls through the gateway itself go on', async () => {
    const house = await queryHouse();
    await untilKept(house, {});
    const direct = async (seed: number) => {
      for (const method of ['QUERY', 'POST']) {
        const from = performance.now();
        for (let turn = 0; turn < 10; turn++) {
          const answer = await query(house.url, { seed: seed + turn }, { method });
          expect(answer.status).toBe(200);
        }
        // Five lookups of 100 ms at most; the rest is for machines that are busy.
        expect(performance.now() - from).toBeLessThan(10_000);
      }
    };
    house.edge.pause();
    await direct(100);
    house.edge.resume();
    await untilKept(house, {});
    await house.edge.kill();
    await direct(200);
    await house.edge.startBefore(Number(new URL(house.url).port));
    await untilKept(house, {});
  }, 60_000);

  it('missed a purge, and gives no answer that it means once it has heard', async () => {
    const house = await queryHouse();
    const asking = { headers: { 'x-economizer-cache-tags': 'a' } };
    for (let turn = 0; turn < 3; turn++) await query(house.edge.url, {}, asking);
    expect(isFromEdge(await query(house.edge.url, {}, asking))).toBe(true);
    house.edge.pause();
    const report = await house.gateway.assembly.purger.purge({ tags: ['a'] });
    expect(report.targets).toEqual({ edge: 'failed' });
    house.edge.resume();
    const asked = house.provider.calls.length;
    await until(async () => {
      await query(house.edge.url, {}, asking);
      return house.provider.calls.length > asked;
    });
    expect(house.provider.calls).toHaveLength(asked + 1);
  }, 60_000);

  it('is left by callers in the middle of their questions, and nothing becomes of those', async () => {
    const house = await queryHouse();
    const body = chat({ temperature: 0, user_question: 'x'.repeat(500_000) });
    await Promise.all(Array.from({ length: 20 }, () => halfAQuestion(house.edge.url, body)));
    await untilKept(house, {});
    expect(house.provider.calls).toHaveLength(1);
    // The whole question is another than its half.
    const whole = await query(house.edge.url, body);
    expect([whole.status, isFromEdge(whole)]).toEqual([200, false]);
  });

  it('is left by callers in the middle of an answer, and gives the next one all of it', async () => {
    const answer = () => ({ text: 'word '.repeat(4000) });
    const house = await queryHouse({}, { provider: { answer } });
    await untilKept(house, { stream: true });
    const whole = await query(house.edge.url, { stream: true });
    const text = chat({ temperature: 0, stream: true });
    const leave = () =>
      send(`${house.edge.url}/v1/chat/completions`, text, {
        method: 'QUERY',
        headers: { authorization: 'Bearer ann', 'content-length': String(text.length) },
        onChunk: (_, go) => go(),
      }).catch(() => undefined);
    await Promise.all(Array.from({ length: 10 }, leave));
    const next = await query(house.edge.url, { stream: true });
    expect(isFromEdge(next)).toBe(true);
    expect(next.body.equals(whole.body)).toBe(true);
  });

  it('answers no question that the gateway must answer while the gateway is gone', async () => {
    const house = await queryHouse();
    await untilKept(house, {});
    await house.gateway.stop();
    expect(isFromEdge(await query(house.edge.url))).toBe(true);
    for (const asking of [{ key: 'bob' }, { headers: { 'x-economizer-agent': 'b' } }]) {
      const answer = await query(house.edge.url, {}, asking);
      expect([answer.status, isFromEdge(answer)]).toEqual([503, false]);
    }
    await until(() => house.provider.inFlight === 0);
  });
});
