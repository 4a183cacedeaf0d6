import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { createEconomizer } from '../../src/index.ts';
import { hasVarnish } from '../services/varnish-server.ts';
import { ask, edgeConfig, edgePath, get, houseBehind, levelOf, varnish } from './edge-house.ts';
import { chat, send, startHouse, temporaryFolder, type House } from './harness.ts';

const tagged = (tag: string) => ({ 'x-economizer-cache-tags': tag });
/** An edge that nothing asks in these tests. */
const noEdge = { url: 'http://127.0.0.1:9', secret: 'a-secret-of-the-edge-01' };

describe('what the edge fetches', () => {
  it('is a public answer with its time and names, revalidated by its version', async () => {
    const house = await startHouse({ config: edgeConfig(noEdge, { stale_if_error: '10m' }) });
    const path = edgePath(await ask(house, {}, tagged('docs/1')));
    const given = await get(house.url + path);
    expect(given.status).toBe(200);
    const { headers } = given;
    expect(headers['content-type']).toBe('application/vnd.economizer.answer');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['cdn-cache-control']).toMatch(
      /^max-age=3(600|59\d), stale-while-revalidate=600, stale-if-error=600$/,
    );
    expect(headers['surrogate-control']).toBe(headers['cdn-cache-control']);
    const names = String(headers['surrogate-key']).split(' ');
    expect(names.length).toBeGreaterThan(4);
    expect(names.every((name) => /^e[\w-]{16}$/.test(name))).toBe(true);
    expect(headers['cache-tag']).toBe(names.join(','));
    // Nobody learns from it who asked what of whom.
    expect(JSON.stringify(headers)).not.toMatch(/default|docs|gpt/);

    const etag = String(headers['etag']);
    for (const field of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(house.url + path, { 'if-none-match': field });
      expect([again.status, again.body.length, again.headers['etag']]).toEqual([304, 0, etag]);
    }
    expect((await get(house.url + path, { 'if-none-match': '"other"' })).status).toBe(200);
    const head = await get(house.url + path, {}, 'HEAD');
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(Number(head.headers['content-length'])).toBe(given.body.length);
  });

  it('is nothing else: no private answer, no other name, no other method; and no refusal is kept', async () => {
    const house = await startHouse({
      config: edgeConfig(noEdge, {
        policies: {
          faq: { scope: 'shared', share_as: 'faq', share_with: ['default'], edge: 'public' },
          others: { scope: 'shared', share_as: 'faq', share_with: ['nobody'], edge: 'public' },
        },
        rules: [
          { policy: 'faq', agent: 'faq' },
          { policy: 'others', agent: 'others' },
        ],
      }),
    });
    const open = edgePath(await ask(house, {}, { 'x-economizer-agent': 'faq' }));
    const refused = [
      edgePath(await ask(house)),
      edgePath(await ask(house, {}, { 'x-economizer-agent': 'others' })),
      open.slice(0, -1) + (open.endsWith('A') ? 'B' : 'A'),
      open.split('.')[0]!,
      `${open}/`,
      `${open}?x`,
      '/economizer/edge/v1/',
    ];
    expect((await get(house.url + open)).status).toBe(200);
    for (const path of refused) {
      const { status, headers, body } = await get(house.url + path);
      expect([path, status, body.length]).toEqual([path, 404, 0]);
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['cdn-cache-control']).toBe('no-store');
      expect(headers['surrogate-key']).toBeUndefined();
    }
    const posted = await send(house.url + open, '{}');
    expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });

  it('is no answer of a caller who shows the provider a credential of its own', async () => {
    const providers = { openai: { credentials: 'caller' } };
    const house = await startHouse({ config: { ...edgeConfig(noEdge), providers } as never });
    const answer = await ask(house, {}, { authorization: 'Bearer sk-own' });
    expect((await get(house.url + edgePath(answer))).status).toBe(404);
  });

  it('is no refusal that the policy keeps', async () => {
    const policies = {
      response: {
        scope: 'shared',
        share_as: 'faq',
        share_with: ['default'],
        edge: 'public',
        negative_ttl: '1m',
      },
    };
    const house = await startHouse({ config: edgeConfig(noEdge, { policies }) });
    house.provider.failNext({ kind: 'status', status: 404 });
    await ask(house);
    const again = await ask(house);
    expect([again.status, levelOf(again)]).toEqual([404, 'l1']);
    expect((await get(house.url + edgePath(again))).status).toBe(404);
  });
});

describe.skipIf(!hasVarnish)('the edge, a real Varnish with our VCL', () => {
  it('gives another gateway what the first was answered, byte for byte, and the time that is left', async () => {
    const edge = await varnish();
    const first = await houseBehind(edge);
    const second = await startHouse({ config: edgeConfig(edge) });
    for (const stream of [false, true]) {
      const original = await ask(first, { stream, seed: Number(stream) });
      const passed = await ask(second, { stream, seed: Number(stream) });
      expect(levelOf(passed)).toBe('l4');
      expect(passed.body.equals(original.body)).toBe(true);
      const promoted = await ask(second, { stream, seed: Number(stream) });
      expect(levelOf(promoted)).toBe('l1');
      const ttl = (answer: typeof passed) =>
        Number(/ttl=(\d+)/.exec(String(answer.headers['cache-status']))![1]);
      expect(ttl(promoted)).toBeLessThanOrEqual(ttl(passed));
    }
    expect(second.provider.calls).toHaveLength(0);
    expect(second.rows.map(({ source }) => source)).toEqual(['l4', 'l1', 'l4', 'l1']);
  });

  it('serves a toolkit in another process too', async () => {
    const edge = await varnish();
    const first = await houseBehind(edge);
    const original = await ask(first);
    const toolkit = createEconomizer({
      data: temporaryFolder(),
      ...edgeConfig(edge),
      // The same provider under the same name; it is never asked.
      providers: { openai: { kind: 'openai', base_url: 'http://127.0.0.1:9/v1', api_key: 'x' } },
    } as never);
    onTestFinished(() => toolkit.close());
    const response = await toolkit.fetch('http://127.0.0.1:9/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: chat({ temperature: 0 }),
    });
    expect([response.status, await response.text()]).toEqual([200, original.body.toString()]);
    expect(response.headers.get('cache-status')).toContain('detail=l4');
  });

  it('asks the gateway once for any number of readers', async () => {
    const edge = await varnish();
    const house = await houseBehind(edge);
    const path = edgePath(await ask(house));
    // That there was nothing when the gateway asked is forgotten by then.
    await new Promise((resolve) => setTimeout(resolve, 150));
    const answers = await Promise.all(Array.from({ length: 200 }, () => get(edge.url + path)));
    const misses = answers.filter(({ headers }) => headers['cache-status'] !== 'varnish; hit');
    expect(misses).toHaveLength(1);
    expect(answers.every(({ body }) => body.equals(answers[0]!.body))).toBe(true);
    expect(answers[0]!.headers['surrogate-key']).toBeUndefined();
    expect(answers[0]!.headers['cdn-cache-control']).toBeUndefined();
  });

  it('does not remember that there was nothing', async () => {
    const edge = await varnish();
    const house = await houseBehind(edge);
    const path = edgePath(await ask(house, { seed: 6 }));
    await house.gateway.assembly.purger.purge({ all: true });
    expect((await get(edge.url + path)).status).toBe(404);
    await ask(house, { seed: 6 });
    expect((await get(edge.url + path)).status).toBe(200);
    expect((await get(edge.url + path)).headers['cache-status']).toBe('varnish; hit');
  });

  it('lets calls through, with all that only the gateway may decide', async () => {
    const edge = await varnish();
    const house = await houseBehind(edge);
    // Without keys the gateway serves programs on its own machine, and no proxy's callers.
    const passed = await ask({ url: edge.url });
    expect([passed.status, house.provider.calls.length]).toEqual([403, 0]);
    expect((await get(`${edge.url}/economizer/admin/keys`)).status).toBe(404);
  });
});

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

/** `economizer purge` as another process beside the gateway would run it. */
async function purgeBeside(house: House, edge: { url: string; secret: string }, words: string[]) {
  const file = join(temporaryFolder(), 'economizer.yaml');
  const { dataDirectory: data } = house.config;
  const port = Number(new URL(house.url).port);
  writeFileSync(file, JSON.stringify({ data, listen: { port }, ...edgeConfig(edge) }));
  const spy = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    return await runProgram(['purge', '--config', file, '--json', ...words]);
  } finally {
    spy.mockRestore();
  }
}

describe.skipIf(!hasVarnish)('a purge', () => {
  it('reaches Varnish within a second, by the admin API and from the command line, and takes nothing else', async () => {
    const edge = await varnish();
    const house = await houseBehind(edge, {}, { access: { admin_sha256: sha256('operator') } });
    const paths = new Map<string, string>();
    for (const [index, tag] of ['a', 'b', 'c'].entries()) {
      const path = edgePath(await ask(house, { seed: index }, tagged(tag)));
      await get(edge.url + path);
      paths.set(tag, edge.url + path);
    }
    const status = async (tag: string) => (await get(paths.get(tag)!)).status;
    const states = async () => [await status('a'), await status('b'), await status('c')];
    expect(await states()).toEqual([200, 200, 200]);

    const began = performance.now();
    const answer = await send(
      `${house.url}/economizer/admin/cache/purge`,
      JSON.stringify({ tags: ['a'] }),
      { headers: { authorization: 'Bearer operator' } },
    );
    expect(JSON.parse(answer.body.toString()).targets).toEqual({ edge: 'purged' });
    expect(await states()).toEqual([404, 200, 200]);
    expect(performance.now() - began).toBeLessThan(1000);

    expect(await purgeBeside(house, edge, ['--tag', 'b'])).toBe(0);
    // The start of the program is not counted.
    const from = performance.now();
    const gone = async () => {
      while ((await status('b')) !== 404) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    await gone();
    expect(performance.now() - from).toBeLessThan(1000);
    expect(await states()).toEqual([404, 404, 200]);
  });

  it.each([
    [{ models: ['gpt-4o'] }, 404],
    [{ models: ['gpt-4*'] }, 404],
    [{ models: ['gpt-5'] }, 200],
    [{ tenant: 'default' }, 404],
    [{ tenant: 'other' }, 200],
    [{ tenant: 'other', tags: ['a'] }, 200],
    [{ policies: ['response'] }, 404],
    [{ all: true }, 404],
  ])('of %j', async (request, expected) => {
    const edge = await varnish();
    const house = await houseBehind(edge);
    const url = edge.url + edgePath(await ask(house, {}, tagged('a')));
    await get(url);
    await house.gateway.assembly.purger.purge(request);
    expect((await get(url)).status).toBe(expected);
  });

  it('that is soft leaves what is past its time where the policy allows that, and no longer', async () => {
    const edge = await varnish();
    const house = await houseBehind(edge, { stale_if_error: '1h' });
    const url = edge.url + edgePath(await ask(house, {}, tagged('a')));
    await get(url);
    await house.gateway.assembly.purger.purge({ tags: ['a'], soft: true });
    const stale = await get(url);
    expect([stale.status, stale.headers['cache-status']]).toEqual([200, 'varnish; hit']);
    // A gateway that gets it from there asks the provider: it only stands in for a failure.
    const second = await startHouse({ config: edgeConfig(edge, { stale_if_error: '1h' }) });
    await second.gateway.assembly.purger.purge({ tags: ['a'], soft: true });
    await ask(second);
    expect(second.provider.calls).toHaveLength(1);
  });

  it('is not for everybody', async () => {
    const edge = await varnish();
    const house = await houseBehind(edge);
    const url = edge.url + edgePath(await ask(house));
    const name = String((await get(url.replace(edge.url, house.url))).headers['surrogate-key']);
    await get(url);
    for (const secret of [{}, { 'x-economizer-purge-secret': 'wrong' }]) {
      const fields = { 'x-economizer-purge': name, ...(secret as Record<string, string>) };
      expect((await get(edge.url, fields, 'PURGE')).status).toBe(403);
    }
    expect((await get(url)).headers['cache-status']).toBe('varnish; hit');
  });
});
