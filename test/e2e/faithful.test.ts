import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { DialectName } from '../../src/exchange/dialect.ts';
import { listFixtures, type Fixture } from '../wire/fixtures.ts';
import { chat, messages, send, startHouse, until } from './harness.ts';

const paths: Record<DialectName, string> = {
  'openai-chat': '/v1/chat/completions',
  'openai-responses': '/v1/responses',
  'openai-completions': '/v1/completions',
  'openai-embeddings': '/v1/embeddings',
  'anthropic-messages': '/v1/messages',
  'anthropic-count-tokens': '/v1/messages/count_tokens',
};

const fixtures = (Object.keys(paths) as DialectName[]).flatMap((name) => listFixtures(name));

function contentType(fixture: Fixture): string {
  return fixture.streamed ? 'text/event-stream; charset=utf-8' : 'application/json';
}

/** A torn end is told as an error and not passed on; see the fault tests. */
const whole = fixtures.filter(({ name }) => !name.includes('torn'));

describe('every recorded exchange', () => {
  it.each(whole.map((fixture) => [`${fixture.dialect}/${fixture.name}`, fixture] as const))(
    '%s passes byte for byte',
    async (_name, fixture) => {
      const { url, provider } = await startHouse({
        provider: {
          answer: () => ({ bytes: fixture.response, contentType: contentType(fixture) }),
        },
        // Asking for usage is the one edit that is on by default; it has tests of its own.
        config: { providers: { openai: { stream_usage: 'estimate' } } as never },
      });
      const answer = await send(url + paths[fixture.dialect], fixture.request);
      expect(answer.body.toString()).toBe(fixture.response.toString());
      expect(answer.body.equals(fixture.response)).toBe(true);
      expect(answer.headers['content-type']).toBe(contentType(fixture));
      expect(provider.calls[0]!.body.equals(fixture.request)).toBe(true);
    },
  );
});

describe('what is forwarded', () => {
  it('keeps every vendor header, and neither hop-by-hop fields nor ours', async () => {
    const { url, provider } = await startHouse();
    await send(`${url}/v1/messages?beta=true`, messages(), {
      headers: {
        'anthropic-version': '2023-06-01',
        'Anthropic-Beta': 'one-2025-01-01,two-2025-02-02',
        'X-Stainless-Retry-Count': '0',
        'x-api-key': 'sk-mine',
        'x-economizer-agent': 'me',
        connection: 'keep-alive, x-hop',
        te: 'trailers',
      },
    });
    const [call] = provider.calls;
    const fields = new Map<string, string>();
    for (let index = 0; index < call!.rawHeaders.length; index += 2) {
      fields.set(call!.rawHeaders[index]!, call!.rawHeaders[index + 1]!);
    }
    expect(call!.path).toBe('/v1/messages?beta=true');
    expect(fields.get('Anthropic-Beta')).toBe('one-2025-01-01,two-2025-02-02');
    expect(fields.get('X-Stainless-Retry-Count')).toBe('0');
    expect(fields.get('x-api-key')).toBe('sk-ant-gateway');
    expect([...fields.keys()].filter((name) => /economizer|^te$/i.test(name))).toEqual([]);
  });

  it('is the caller’s own credential where the gateway holds none', async () => {
    const { url, provider } = await startHouse({
      config: { providers: { openai: { credentials: 'caller' } } as never },
    });
    await send(`${url}/v1/chat/completions`, chat(), { headers: { authorization: 'Bearer mine' } });
    expect(provider.calls[0]!.rawHeaders.join('\n')).toContain('Bearer mine');
  });

  it('passes unknown paths, methods and uploads untouched, with the provider’s own errors', async () => {
    const { url, provider } = await startHouse();
    const upload = Buffer.from([0, 1, 2, 255, 13, 10]);
    const answer = await send(`${url}/v1/files?purpose=batch`, upload, {
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString())).toHaveProperty('error.message');
    expect(provider.calls[0]).toMatchObject({ method: 'POST', path: '/v1/files?purpose=batch' });
    expect(provider.calls[0]!.body.equals(upload)).toBe(true);
    const removed = await send(`${url}/openai/v1/files/f1`, undefined, { method: 'DELETE' });
    expect([removed.status, provider.calls[1]!.method]).toEqual([404, 'DELETE']);
    expect(provider.calls[1]!.path).toBe('/v1/files/f1');
  });

  it('tells the two vendors’ model lists apart', async () => {
    const { url, provider } = await startHouse({ provider: { models: ['m'] } });
    const openai = await send(`${url}/v1/models`, undefined, { method: 'GET' });
    await send(`${url}/v1/models`, undefined, {
      method: 'GET',
      headers: { 'anthropic-version': '2023-06-01' },
    });
    expect(JSON.parse(openai.body.toString()).data[0].id).toBe('m');
    const keys = provider.calls.map((call) =>
      call.rawHeaders.join('\n').includes('sk-ant-gateway'),
    );
    expect(keys).toEqual([false, true]);
  });

  it('passes a body with a content coding as it is', async () => {
    const { url, provider } = await startHouse();
    const coded = gzipSync(chat());
    await send(`${url}/v1/chat/completions`, coded, { headers: { 'content-encoding': 'gzip' } });
    expect(provider.calls[0]!.body.equals(coded)).toBe(true);
    const plain = { headers: { 'content-encoding': 'identity' } };
    const understood = await send(`${url}/v1/chat/completions`, chat(), plain);
    expect(understood.headers['cache-status']).toContain('uri-miss');
  });
});

describe('usage that the caller did not ask for', () => {
  const stream = chat({ stream: true, temperature: 0 });

  it('is asked of the provider and taken out of the stream again', async () => {
    const asked = await startHouse();
    const plain = await send(`${asked.provider.url}/v1/chat/completions`, stream);
    const ours = await send(`${asked.url}/v1/chat/completions`, stream);
    const [, forwarded] = asked.provider.calls;
    expect(forwarded!.body.toString()).toBe(
      `${stream.slice(0, -1)},"stream_options":{"include_usage":true}}`,
    );
    const unnamed = (body: Buffer): string =>
      body
        .toString()
        .replace(/"id":"[^"]*"/g, '')
        .replace(/"created":\d+/g, '');
    expect(unnamed(ours.body)).toBe(unnamed(plain.body));
    expect(ours.body.toString()).not.toContain('usage');
    await until(() => asked.rows.length === 1);
    expect(asked.rows[0]).toMatchObject({ usageSource: 'provider', outcome: 'ok' });
    expect(asked.rows[0]!.usage!.output).toBeGreaterThan(0);
    // From the cache, too, each caller gets what it asked for.
    const again = await send(`${asked.url}/v1/chat/completions`, stream);
    expect(again.body.equals(ours.body)).toBe(true);
    const wanting = chat({ stream: true, temperature: 0, stream_options: { include_usage: true } });
    const full = await send(`${asked.url}/v1/chat/completions`, wanting);
    expect(full.body.toString()).toContain('"prompt_tokens"');
    expect(asked.provider.calls).toHaveLength(2);
  });
});

describe('a stream', () => {
  it('reaches the client chunk by chunk, the first byte at once', async () => {
    const { url, rows } = await startHouse({ provider: { gapMs: 30 } });
    const arrivals: number[] = [];
    const answer = await send(`${url}/v1/chat/completions`, chat({ stream: true }), {
      onChunk: () => arrivals.push(performance.now()),
    });
    expect(arrivals.length).toBeGreaterThan(2);
    expect(arrivals.at(-1)! - arrivals[0]!).toBeGreaterThan(25);
    expect(answer.broken).toBe(false);
    await until(() => rows.length === 1);
    expect(rows[0]!.firstByteMs!).toBeLessThan(rows[0]!.totalMs - 20);
  });

  it('is cancelled at the provider when its client leaves, and what was written is booked', async () => {
    const { url, provider, rows } = await startHouse({
      provider: { gapMs: 15, answer: () => ({ text: 'word '.repeat(400) }) },
    });
    await send(`${url}/v1/messages`, messages({ stream: true }), {
      onChunk: (_chunk, leave) => leave(),
    }).catch(() => {});
    await until(() => provider.aborted === 1 && rows.length === 1);
    expect(rows[0]).toMatchObject({ outcome: 'cancelled', usageSource: 'estimated' });
    expect(rows[0]!.usage!.fresh).toBeGreaterThan(0);
    expect(rows[0]!.costNanos).toBeGreaterThan(0);
  });
});
