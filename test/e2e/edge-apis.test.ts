import { expect, describe, it, onTestFinished } from 'vitest';
import { createCloudflareWay } from '../../src/cache/edge/cloudflare.ts';
import { createFastlyWay } from '../../src/cache/edge/fastly.ts';
import { PurgeQueue } from '../../src/cache/edge/purge-queue.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { createEdgeHttp } from '../../src/upstream/edge-http.ts';
import {
  accepted,
  apiToken,
  cloudflareZone,
  fastlyService,
  recorded,
  startEdgeApis,
} from '../services/edge-apis.ts';
import { startHouse, until } from './harness.ts';
import { ask, edgeConfig } from './edge-house.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `e${index}`);

async function apis() {
  const fake = await startEdgeApis();
  const http = createEdgeHttp({ clock: systemClock });
  onTestFinished(async () => {
    await http.close();
    await fake.close();
  });
  const common = { api: fake.url, token: apiToken, http, timeoutMs: 1000 };
  const fastly = createFastlyWay({ ...common, service: fastlyService });
  const cloudflare = createCloudflareWay({ ...common, zone: cloudflareZone });
  return { fake, common, fastly, cloudflare };
}

it('the stand-in answers in the shapes that were recorded', () => {
  expect(accepted({ url: '/service/x/purge' }, ['key_1', 'key_2'])).toBe(recorded.fastly);
  expect(accepted({ url: '/zones/x/purge_cache' }, ['a'])).toBe(recorded.cloudflare);
});

describe.each(['fastly', 'cloudflare'] as const)('%s', (kind) => {
  it('takes what it is told in batches of its own size, and no more', async () => {
    const given = await apis();
    const way = given[kind];
    expect(await way.purge(names(way.batchMax), false)).toBeUndefined();
    const tooMany = await way.purge(names(way.batchMax + 1), false);
    expect(tooMany?.error).toMatchObject({ code: 'ECO_EDGE' });
    const signals = new Signals();
    const queue = new PurgeQueue({ way, everything: () => [], clock: systemClock, signals });
    expect(await queue.add(names(600), false)).toBeUndefined();
    expect(queue.isBehind).toBe(false);
    const [, ...batches] = given.fake.purged;
    // Each is said again after a second, which a slow machine may take for this.
    const told = new Set(batches.flatMap((batch) => batch.names));
    expect([...told].toSorted()).toEqual(names(600).toSorted());
    await queue.close();
  });

  it('says what stands against it, and when to come again', async () => {
    const given = await apis();
    const { fake, common } = given;
    fake.refuseNext({ status: 429, headers: { 'retry-after': '7' } });
    const busy = await given[kind].purge(['a'], false);
    expect(busy).toMatchObject({ error: { code: 'ECO_EDGE' }, retryAfterMs: 7000 });
    const wrong = { ...common, token: 'wrong' };
    const way =
      kind === 'fastly'
        ? createFastlyWay({ ...wrong, service: fastlyService })
        : createCloudflareWay({ ...wrong, zone: cloudflareZone });
    const refused = await way.purge(['a'], false);
    expect(refused?.error.message).toContain('edge.purge');
    expect(refused?.error.message).not.toContain('wrong');
    await fake.close();
    expect((await given[kind].purge(['a'], false))?.error).toMatchObject({ code: 'ECO_EDGE' });
  });
});

it('Fastly purges softly, Cloudflare for good', async () => {
  const { fake, fastly, cloudflare } = await apis();
  await fastly.purge(['a'], true);
  await cloudflare.purge(['a'], true);
  expect(fake.purged.map(({ soft }) => soft)).toEqual([true, false]);
});

it('a refusal of Cloudflare under status 200 is one', async () => {
  const { fake, cloudflare } = await apis();
  fake.refuseNext({ status: 200, body: recorded.cloudflareRefusal });
  expect((await cloudflare.purge(['a'], false))?.error).toMatchObject({ code: 'ECO_EDGE' });
  fake.refuseNext({ status: 200, body: '<html>' });
  expect((await cloudflare.purge(['a'], false))?.error).toMatchObject({ code: 'ECO_EDGE' });
});

it.each([
  { kind: 'fastly' as const, service: fastlyService },
  { kind: 'cloudflare' as const, zone: cloudflareZone },
])('a purge of the gateway reaches $kind', async (purge) => {
  const { fake } = await apis();
  const config = edgeConfig({ url: 'http://127.0.0.1:9', secret: 'x'.repeat(16) });
  const edge = { url: 'http://127.0.0.1:9', purge: { ...purge, api: fake.url, token: apiToken } };
  const house = await startHouse({ config: { ...config, edge } });
  await ask(house);
  const report = await house.gateway.assembly.purger.purge({ models: ['gpt-4o'], soft: true });
  expect(report.targets).toEqual({ edge: 'purged' });
  expect(fake.purged[0]!.names).toEqual([expect.stringMatching(/^e[\w-]{16}$/)]);
  // Said again, for what was on its way to the edge meanwhile.
  await until(() => fake.purged.length === 2);
});
