import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chat, messages, send, startHouse, until, type House } from './harness.ts';

/** A gateway before a provider that answers each request as `answer` says, byte by byte. */
async function houseBefore(
  answer: (response: ServerResponse) => void | Promise<void>,
): Promise<House> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => void answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const openai = { base_url: `http://127.0.0.1:${port}/v1` };
  const anthropic = { base_url: `http://127.0.0.1:${port}` };
  return startHouse({ config: { providers: { openai, anthropic } as never } });
}

function completion(content: string): string {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  return JSON.stringify({ id: 'c', object: 'chat.completion', model: 'gpt-4o', choices, usage });
}

const ask = (house: House) => send(`${house.url}/v1/chat/completions`, chat({ temperature: 0 }));

describe('a plain answer', () => {
  const json = { 'content-type': 'application/json' };
  it.each<[string, (response: ServerResponse) => void | Promise<void>]>([
    [
      'that comes after blank lines, as some providers send to keep the line open',
      async (response) => {
        response.writeHead(200, json).write('\n');
        await pause(400);
        response.end(completion('Slowly.'));
      },
    ],
    [
      'of two megabytes',
      (response) => void response.writeHead(200, json).end(completion('x'.repeat(2_000_000))),
    ],
    [
      'whose type the provider does not say',
      (response) => void response.writeHead(200).end(completion('What am I?')),
    ],
    [
      'behind a byte order mark',
      (response) => void response.writeHead(200, json).end(`\ufeff${completion('Marked.')}`),
    ],
  ])('%s is priced and kept, in both forms', async (_name, answer) => {
    const house = await houseBefore(answer);
    const first = await ask(house);
    expect(first.status).toBe(200);
    await until(() => house.rows.length === 1);
    expect(house.rows[0]).toMatchObject({ outcome: 'ok', usageSource: 'provider' });
    expect(house.rows[0]!.costNanos).toBe(75_000);
    const again = await ask(house);
    expect(again.headers['cache-status']).toContain('hit');
    expect(JSON.parse(again.body.toString())).toEqual(
      JSON.parse(first.body.toString().replace(/^\ufeff/, '')),
    );
    const body = chat({ temperature: 0, stream: true });
    const streamed = await send(`${house.url}/v1/chat/completions`, body);
    expect(streamed.headers['cache-status']).toContain('hit');
    expect(streamed.body.toString()).toContain('[DONE]');
  });

  it.each([
    ['breaks off within its JSON', completion('Cut.').slice(0, 60)],
    ['is empty', ''],
  ])('that %s though its length is right is an error', async (_name, body) => {
    const house = await houseBefore((response) => {
      response.writeHead(200, { ...json, 'content-length': Buffer.byteLength(body) }).end(body);
    });
    const answer = await ask(house);
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body.toString()).error.code).toBe('ECO_UPSTREAM_RESET');
    expect(house.rows[0]).toMatchObject({
      outcome: 'upstream-failure',
      errorCode: 'ECO_UPSTREAM_RESET',
      costNanos: undefined,
    });
    expect((await ask(house)).headers['cache-status']).toBeUndefined();
  });

  it('of status 200 that is an error is booked as one, for nothing, and not kept', async () => {
    const error = JSON.stringify({ error: { message: 'Overloaded.', type: 'server_error' } });
    const house = await houseBefore((response) => void response.writeHead(200, json).end(error));
    expect((await ask(house)).body.toString()).toBe(error);
    expect(house.rows[0]).toMatchObject({ outcome: 'provider-error', costNanos: 0 });
    expect((await ask(house)).headers['cache-status']).toContain('uri-miss');
  });

  it('that nests without end reaches its caller, plain and streamed, and is not kept', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    const start = '{"type":"message_start","message":{"id":"m","content":[]}}';
    const block = `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","input":${deep}}}`;
    const stop = '{"type":"message_stop"}';
    const events = [start, block, stop].map((data) => `data: ${data}\n\n`).join('');
    const plain = `{"type":"message","content":[{"type":"tool_use","input":{"a":${deep}}}]}`;
    let streams = false;
    const house = await houseBefore((response) => {
      const type = streams ? 'text/event-stream' : 'application/json';
      response.writeHead(200, { 'content-type': type }).end(streams ? events : plain);
    });
    for (streams of [false, true]) {
      const body = messages({ stream: streams });
      const answer = await send(`${house.url}/v1/messages`, body);
      expect([answer.status, answer.body.toString()]).toEqual([200, streams ? events : plain]);
      const again = await send(`${house.url}/v1/messages`, body);
      expect(again.headers['cache-status']).toContain('uri-miss');
    }
    await until(() => house.rows.length === 4);
  });

  it('that is an error in plain text costs nothing', async () => {
    const house = await houseBefore((response) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).end('boom');
    });
    expect((await ask(house)).body.toString()).toBe('boom');
    await until(() => house.rows.length === 1);
    expect(house.rows[0]).toMatchObject({ outcome: 'provider-error', costNanos: 0 });
  });
});

it('what never reached a provider, and what only looks, costs nothing', async () => {
  const house = await startHouse({
    config: { providers: { down: { kind: 'openai', base_url: 'http://127.0.0.1:1' } } as never },
  });
  await send(`${house.url}/v1/chat/completions`, '{');
  await send(`${house.url}/down/chat/completions`, chat());
  await send(`${house.url}/v1/models`, undefined, { method: 'GET' });
  await until(() => house.rows.length === 3);
  expect(house.rows.map((row) => [row.costNanos, row.withoutCostNanos])).toEqual([
    [0, undefined], // what we turned away the provider might have taken
    [0, 0],
    [0, 0],
  ]);
});
