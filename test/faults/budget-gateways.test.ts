import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { accountOf } from '../../src/budget/scope.ts';
import type { BudgetStore, OpenHold } from '../../src/budget/store.ts';
import { createRedisBudgetStore } from '../../src/budget/stores/redis.ts';
import { createSqliteBudgetStore } from '../../src/budget/stores/sqlite.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { connectRedis } from '../../src/services/redis-client.ts';
import { temporaryFolder } from '../e2e/harness.ts';
import { hasRedis, startRedis, type RedisServer } from '../services/redis-server.ts';
import { startBillingProvider, type BillingProvider } from './billing-provider.ts';
import { load } from './budget-load.ts';
import { bookedCalls, startGatewayProcess, type GatewayProcess } from './gateway-process.ts';
import { until } from '../until.ts';

/** One dollar. */
const limit = 1_000_000_000;
const account = accountOf('budgets', 'dollar', { code: '', value: undefined }, 'total');

interface Installation {
  readonly provider: BillingProvider;
  readonly gateways: readonly GatewayProcess[];
  /** A view on the store from outside. */
  readonly observe: () => Promise<BudgetStore>;
}

async function provider(): Promise<BillingProvider> {
  const started = await startBillingProvider();
  onTestFinished(() => started.close());
  return started;
}

function configOf({ url }: BillingProvider, more: ConfigFile): ConfigFile {
  const { budgeting, ...rest } = more;
  return {
    providers: { openai: { kind: 'openai', base_url: `${url}/v1`, api_key: 'k' } },
    cache: { enabled: false },
    budgets: [{ id: 'dollar', limit_usd: 1, period: 'total' }],
    budgeting: { lease: '3s', ...budgeting },
    ...rest,
  };
}

/** Two gateways with a ledger each, on one Redis. */
async function onRedis(server: RedisServer, budgeting: object = {}): Promise<Installation> {
  const billing = await provider();
  const config = configOf(billing, {
    redis: { url: server.url },
    budgeting: { store: 'redis', ...budgeting },
  });
  const folder = temporaryFolder();
  const gateways = await Promise.all(
    ['a', 'b'].map((name) => startGatewayProcess(join(folder, name), config)),
  );
  const observe = async (): Promise<BudgetStore> => {
    const link = connectRedis({ url: server.url });
    onTestFinished(() => link.close());
    const parts = { clock: systemClock, signals: new Signals(), link };
    const times = { leaseMs: 3000, settleMs: 1000 };
    const store = createRedisBudgetStore({ ...parts, ...times, owner: 'eye', ledger: 'eye' });
    await until(() => link.connected);
    await store.whenOpen(5000);
    return store;
  };
  return { provider: billing, gateways, observe };
}

/** Two gateways on one data directory: one file of budgets, one ledger. */
async function onOneFile(): Promise<Installation> {
  const billing = await provider();
  const config = configOf(billing, { budgeting: { store: 'sqlite' } });
  const data = temporaryFolder();
  const gateways = await Promise.all(
    ['a', 'b'].map((name) => startGatewayProcess(data, config, name)),
  );
  const observe = (): Promise<BudgetStore> => {
    const path = join(data, 'budgets.sqlite');
    return Promise.resolve(createSqliteBudgetStore({ clock: systemClock, owner: 'eye', path }));
  };
  return { provider: billing, gateways, observe };
}

/** Waits until nothing is held and the ledgers have told all that they know; what is left are charges that nobody can prove. */
async function quiet(store: BudgetStore): Promise<readonly OpenHold[]> {
  let open: readonly OpenHold[] = [];
  await until(async () => {
    open = await store.openHolds();
    return open.every(({ state }) => state === 'charged');
  });
  return open;
}

const callOf = ({ id }: { readonly id: string }): string => id.slice(0, id.lastIndexOf('.'));

interface Proof {
  /** The ledgers' sum of charges. */
  readonly booked: number;
  /** What dead gateways held for calls that no ledger has. */
  readonly unproved: readonly OpenHold[];
  readonly spent: number;
  readonly held: number;
}

/** Waits for quiet, stops everything and reads what is left. @param setsAside living gateways hold something without a call. */
async function audited({ gateways, observe }: Installation, setsAside = false): Promise<Proof> {
  const store = await observe();
  if (!setsAside) await quiet(store);
  for (const gateway of gateways) await gateway.stop();
  await quiet(store);
  const [balance] = await store.read([account]);
  const unproved = await store.openHolds();
  await store.close();
  const data = new Set(gateways.map((gateway) => gateway.data));
  const rows = [...data].flatMap((each) => bookedCalls(each));
  expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
  const ids = new Set(rows.map(({ id }) => id));
  expect(unproved.filter((hold) => ids.has(callOf(hold)))).toEqual([]);
  const booked = rows.reduce((sum, { charged }) => sum + charged, 0);
  return { booked, unproved, spent: balance!.spent, held: balance!.held };
}

function expectAgreement(proof: Proof, billed: number): void {
  const { booked, unproved, spent, held } = proof;
  expect(held).toBe(0);
  expect(spent).toBe(booked + unproved.reduce((sum, { amount }) => sum + amount, 0));
  expect(spent).toBeLessThanOrEqual(limit);
  expect(billed).toBeLessThanOrEqual(spent);
}

describe.each([
  ['one Redis', hasRedis, async () => onRedis(await redis())],
  ['one SQLite file', true, onOneFile],
] as const)('two gateways before %s', (_name, isHere, start) => {
  it.runIf(isHere)(
    '500 streams at a time never bill more than the dollar, with one gateway killed midway',
    async () => {
      const installation = await start();
      const { provider: billing, gateways } = installation;
      const [first] = gateways as [GatewayProcess, GatewayProcess];
      const driven = load(gateways, { callers: 500 });
      const open = (): number => billing.bills.filter(({ isWhole }) => !isWhole).length;
      await until(() => billing.total() > limit / 5 && open() > 100);
      await first.kill();
      const before = await driven;
      await delay(4000); // a lease and a heartbeat: what it held is charged, and then proved by its ledger
      await first.restart();
      const after = await load(gateways, { callers: 100, word: 'later' });
      const endings = [...before, ...after];
      const proof = await audited(installation);
      expectAgreement(proof, billing.total());
      // It was a real fight: the kill hit open calls, the wall refused others, and little of the dollar was left.
      expect(proof.unproved.length).toBeGreaterThan(0);
      expect(endings.filter(({ status }) => status === 429).length).toBeGreaterThan(100);
      expect(proof.spent).toBeGreaterThan(0.9 * limit);
      // Whoever got a whole answer was charged to the nano-dollar what the provider counted.
      const bills = new Map(billing.bills.map((bill) => [bill.question, bill]));
      const rows = rowsOf(gateways);
      const whole = endings.filter(({ isWhole }) => isWhole);
      expect(whole.length).toBeGreaterThan(300);
      for (const { id, question } of whole) {
        expect([question, rows.get(id!)]).toEqual([question, bills.get(question)!.nanos]);
      }
    },
    120_000,
  );
});

function rowsOf(gateways: readonly GatewayProcess[]): ReadonlyMap<string, number> {
  const data = new Set(gateways.map((gateway) => gateway.data));
  const rows = [...data].flatMap((each) => bookedCalls(each));
  return new Map(rows.map(({ id, charged }) => [id, charged]));
}

async function redis(): Promise<RedisServer> {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  return server;
}

describe.runIf(hasRedis)('two gateways whose Redis is killed', () => {
  it('let nothing out, hang nowhere, and go on where they were when it is back', async () => {
    const server = await redis();
    const installation = await onRedis(server);
    const { provider: billing, gateways } = installation;
    const driven = load(gateways, { callers: 200, refusals: 5 });
    await until(() => billing.bills.length > 100);
    await server.kill();
    const killedAt = performance.now();
    const endings = await driven;
    const begun = new Map(endings.map(({ question, began }) => [question, began]));
    // What was held before may have been on its way out.
    for (const { question } of billing.bills) expect(begun.get(question)).toBeLessThan(killedAt);
    const late = endings.filter(({ began }) => began > killedAt);
    expect(new Set(late.map(({ status }) => status))).toEqual(new Set([503]));
    expect(late.length).toBeGreaterThan(200);
    expect(Math.max(...late.map(({ took }) => took))).toBeLessThan(10_000);
    await server.restart(); // empty
    await until(() => answers(gateways, 1));
    await load(gateways, { callers: 100, word: 'later' });
    const proof = await audited(installation);
    expectAgreement(proof, billing.total());
    expect(proof.unproved).toEqual([]);
    expect(proof.spent).toBeGreaterThan(0.8 * limit);
  }, 120_000);

  it('spend no more than their shares of what was left, where they are allowed that', async () => {
    const server = await redis();
    const share = { store_lost: 'share', lost_share_percent: 20 };
    const installation = await onRedis(server, share);
    const { provider: billing, gateways } = installation;
    const driven = load(gateways, { callers: 50, refusals: 10 });
    await until(() => billing.total() > limit / 10);
    await delay(1000); // some signs of life: shares are set aside
    await server.kill();
    await delay(1000);
    const sentBefore = billing.bills.length;
    await driven;
    expect(billing.bills.length).toBeGreaterThan(sentBefore + 20);
    expect(billing.total()).toBeLessThanOrEqual(limit);
    await server.restart(); // empty
    await until(() => answers(gateways, 1));
    await load(gateways, { callers: 50, word: 'later' });
    const proof = await audited(installation, true);
    expectAgreement(proof, billing.total());
    expect(proof.spent).toBeGreaterThan(0.8 * limit);
  }, 120_000);
});

/** True once each gateway lets calls out again. */
async function answers(gateways: readonly GatewayProcess[], callers: number): Promise<boolean> {
  const probes = await Promise.all(
    gateways.map((gateway) =>
      load([gateway], { callers, refusals: 1, calls: 1, word: gateway.url }),
    ),
  );
  return probes.every(([probe]) => probe!.status === 200);
}
