import { describe, expect, it } from 'vitest';
import { chat, messages, send, startHouse, until } from './harness.ts';
import { exchange, startRawHouse } from './raw-socket.ts';

const close = 'Host: localhost\r\nConnection: close\r\n';

function answered(
  head: string,
  body = '',
): (request: string, socket: { write(t: string, e: 'latin1'): void }) => void {
  return (_request, socket) => socket.write(`HTTP/1.1 ${head}\r\n\r\n${body}`, 'latin1');
}

describe('what is forwarded, to the byte', () => {
  it('keeps names, order, repeats and bytes of the headers both ways', async () => {
    const house = await startRawHouse(
      answered(
        '200 OK\r\nX-Vendor: One\r\nx-vendor: Two\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Latin: caf\xe9\r\nContent-Length: 2',
        'ok',
      ),
    );
    const answer = await exchange(
      house.url,
      `GET /v1/models HTTP/1.1\r\n${close}X-One: 1\r\nx-ONE: 2\r\nX-Latin: caf\xe9\r\nX-Empty:\r\n\r\n`,
    );
    expect(house.requests[0]).toContain(
      'X-One: 1\r\nx-ONE: 2\r\nX-Latin: caf\xe9\r\nX-Empty: \r\n',
    );
    expect(answer).toContain(
      'X-Vendor: One\r\nx-vendor: Two\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Latin: caf\xe9\r\n',
    );
  });

  it.each([
    ['/v1/models/ft%3Agpt%2F4?a=1&b=%20&a=2', '/v1/models/ft%3Agpt%2F4?a=1&b=%20&a=2'],
    ['/v1/files/', '/v1/files/'],
    ['/v1?limit=2', '/v1/?limit=2'],
    ['/openai/files?x', '/v1/files?x'],
    ['/openai/v1/files', '/v1/files'],
    ['/anthropic/v1/files', '/v1/files'],
    ['/openai?x=1', '/v1/?x=1'],
    ['http://gateway.example:1234/v1/models?a=b', '/v1/models?a=b'],
    ['HTTP://gateway.example', undefined],
    ['*', undefined],
  ])('asked for %s, the provider sees %s', async (target, seen) => {
    const house = await startRawHouse(answered('200 OK\r\nContent-Length: 2', 'ok'));
    const answer = await exchange(house.url, `GET ${target} HTTP/1.1\r\n${close}\r\n`);
    expect(house.requests[0]?.split(' ', 2)[1]).toBe(seen);
    if (seen === undefined) expect(answer).toContain('ECO_NO_PROVIDER');
  });

  it.each([
    ['openai', '', '/v1/chat/completions', '/chat/completions'],
    ['openai', '/', '/v1/models?x=1', '/models?x=1'],
    ['openai', '/v1/', '/v1/chat/completions', '/v1/chat/completions'],
    ['openai', '/deep/prefix/v2', '/v1/chat/completions', '/deep/prefix/v2/chat/completions'],
    ['openai', '/openai/v1', '/openai/v1/files', '/openai/v1/files'],
    ['anthropic', '', '/v1/messages', '/v1/messages'],
    ['anthropic', '/deep/prefix', '/v1/messages?beta=true', '/deep/prefix/v1/messages?beta=true'],
    [
      'anthropic',
      '/deep/',
      '/anthropic/v1/messages/count_tokens',
      '/deep/v1/messages/count_tokens',
    ],
  ])('%s with a base URL that ends in %j: %s goes to %s', async (kind, base, path, seen) => {
    const house = await startHouse();
    const base_url = house.provider.url + base;
    const other = await startHouse({ config: { providers: { [kind]: { base_url } } as never } });
    const isGet = path.includes('models');
    const body = kind === 'anthropic' ? messages() : chat();
    await send(other.url + path, isGet ? undefined : body, { method: isGet ? 'GET' : 'POST' });
    expect(house.provider.calls.map((call) => call.path)).toEqual([seen]);
  });

  it('passes answers with many and large headers', async () => {
    const many = Array.from({ length: 300 }, (_, index) => `x-${index}: ${'v'.repeat(100)}\r\n`);
    const house = await startRawHouse(
      answered(`200 OK\r\n${many.join('')}Content-Length: 2`, 'ok'),
    );
    const answer = await exchange(house.url, `GET /v1/models HTTP/1.1\r\n${close}\r\n`);
    expect(answer).toContain(many.join(''));
  });

  it('drops what `Connection` names, which was meant for us alone', async () => {
    const house = await startRawHouse(answered('200 OK\r\nContent-Length: 2', 'ok'));
    await exchange(
      house.url,
      'GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Kept: 2\r\n\r\n',
    );
    expect(house.requests[0]).not.toContain('X-Hop');
    expect(house.requests[0]).toContain('X-Kept: 2');
  });

  it.each([
    ['PATCH', 'Content-Length: 2\r\n\r\nab', 'ab'],
    ['DELETE', 'Content-Length: 2\r\n\r\nab', 'ab'],
    ['POST', 'Content-Length: 0\r\n\r\n', ''],
    ['POST', 'Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n', 'ab'],
    ['POST', 'Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab', 'ab'],
  ])('%s with %j arrives as it was sent', async (method, rest, body) => {
    const house = await startHouse();
    await exchange(house.url, `${method} /v1/things HTTP/1.1\r\n${close}${rest}`);
    expect(house.provider.calls[0]).toMatchObject({ method, path: '/v1/things' });
    expect(house.provider.calls[0]!.body.toString()).toBe(body);
  });
});

describe('answers without a body', () => {
  it.each([
    [
      'HEAD',
      '200 OK\r\nContent-Type: application/json\r\nContent-Length: 1234',
      /content-length: 1234\r\n/i,
    ],
    ['GET', '304 Not Modified\r\nETag: "x"\r\nContent-Type: application/json', /etag: "x"\r\n/i],
    ['DELETE', '204 No Content\r\nX-Gone: 1', /x-gone: 1\r\n/i],
  ])('%s %j comes as it is', async (method, head, expected) => {
    const house = await startRawHouse(answered(head));
    const answer = await exchange(house.url, `${method} /v1/files/f HTTP/1.1\r\n${close}\r\n`);
    expect(answer).toMatch(expected);
    expect(answer).not.toMatch(/content-length: 0\r\n/i);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });
});

describe('clients of every kind', () => {
  it('HTTP/1.0, plain and streaming, gets a body that ends with the connection', async () => {
    const house = await startHouse();
    const body = chat({ stream: true });
    const answer = await exchange(
      house.url,
      `POST /v1/chat/completions HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).not.toMatch(/transfer-encoding/i);
    expect(answer.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('pipelined requests are answered in their order', async () => {
    const house = await startHouse();
    const ask = (path: string, extra = ''): string =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${extra}\r\n`;
    house.provider.failNext({ kind: 'slow', ms: 60 });
    const answer = await exchange(
      house.url,
      ask('/v1/one') + ask('/v1/two') + ask('/health', 'Connection: close\r\n'),
    );
    const found = [...answer.matchAll(/GET \/v1\/(\w+)|\r\n\r\n(ok)/g)].map(([, a, b]) => a ?? b);
    expect(found).toEqual(['one', 'two', 'ok']);
  });

  it('who asks for a WebSocket is told that there is none', async () => {
    const house = await startHouse();
    const answer = await exchange(
      house.url,
      'GET /v1/realtime?model=m HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      (text) => text.includes('ECO_NO_UPGRADE'),
    );
    expect(answer).toMatch(/^HTTP\/1.1 501 /);
    expect(answer).toContain('x-should-retry: false');
    expect(house.provider.calls).toHaveLength(0);
    expect(house.rows[0]).toMatchObject({ outcome: 'refused', errorCode: 'ECO_NO_UPGRADE' });
  });

  it('an offer of HTTP/2, as curl makes it, is passed over', async () => {
    const house = await startHouse();
    const answer = await exchange(
      house.url,
      'GET /v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
    expect(house.provider.calls[0]!.rawHeaders.join()).not.toMatch(/http2-settings|h2c/i);
  });

  it.each<[string, string, number]>([
    ['rubbish', 'NONSENSE\r\n\r\n', 400],
    [
      'two lengths',
      `POST /v1/x HTTP/1.1\r\n${close}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`,
      400,
    ],
    [
      'a length and chunks',
      `POST /v1/x HTTP/1.1\r\n${close}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'a header without end',
      `GET /v1/x HTTP/1.1\r\n${close}X: ${'a'.repeat(100_000)}\r\n\r\n`,
      431,
    ],
    ['headers without number', `GET /v1/x HTTP/1.1\r\n${close}${'X: 1\r\n'.repeat(400)}\r\n`, 431],
  ])('%s is answered in JSON with what to do', async (_name, text, status) => {
    const house = await startHouse();
    const answer = await exchange(house.url, text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    expect(body.error).toMatchObject({ code: 'ECO_BAD_HTTP' });
    expect(house.provider.calls).toHaveLength(0);
    expect((await send(`${house.url}/v1/chat/completions`, chat())).status).toBe(200);
  });
});

it('a request that does not come whole in time is told so soon', async () => {
  const house = await startHouse({ config: { limits: { receive: '1s' } } });
  const began = performance.now();
  const answer = await exchange(
    house.url,
    'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{',
  );
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toContain('limits.receive');
  expect(performance.now() - began).toBeLessThan(5000);
  await until(() => house.rows.length === 1);
});

it('a deadline holds for the upload too', async () => {
  const house = await startHouse();
  const answer = await exchange(
    house.url,
    'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Economizer-Deadline: 100ms\r\nContent-Length: 10\r\n\r\n{',
  );
  expect(answer).toMatch(/^HTTP\/1.1 504 /);
  expect(answer).toContain('ECO_DEADLINE');
  expect(house.rows[0]).toMatchObject({ errorCode: 'ECO_DEADLINE' });
});

describe('two Cache-Control fields', () => {
  it('hold together', async () => {
    const house = await startHouse();
    const body = chat({ temperature: 0 });
    await send(`${house.url}/v1/chat/completions`, body);
    const both = { headers: { 'cache-control': ['no-store', 'max-age=60'] } };
    const again = await send(`${house.url}/v1/chat/completions`, body, both);
    expect(again.headers['cache-status']).toBe('economizer; fwd=request; detail=no-store');
  });
});

it('a call that is turned away leaves its connection open for the next', async () => {
  const house = await startHouse();
  const body = chat({ x: 'y'.repeat(100_000) });
  const refused = `POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answer = await exchange(house.url, `${refused}GET /health HTTP/1.1\r\n${close}\r\n`);
  expect(answer.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200']);
  expect(answer.endsWith('\r\n\r\nok\n')).toBe(true);
});
