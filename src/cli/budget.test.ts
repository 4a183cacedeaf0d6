import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSqliteBudgetStore } from '../budget/stores/sqlite.ts';
import { Plan } from '../budget/plan.ts';
import { systemClock } from '../kernel/clock.ts';
import { Signals } from '../kernel/signals.ts';
import { createLedger } from '../ledger/ledger.ts';
import { sampleRow } from '../ledger/sample-row.ts';
import { loadConfig } from '../config/load.ts';
import { runProgram } from './program.ts';

let directory = '';
let file = '';
let output = '';
let complaints = '';

const run = async (...words: string[]): Promise<number> => {
  output = '';
  complaints = '';
  process.exitCode = 0;
  const code = await runProgram(['budget', ...words, '--config', file]);
  process.exitCode = 0;
  return code;
};

interface StatusJson {
  readonly budgets: readonly {
    readonly id: string;
    readonly value: string | null;
    readonly spent_usd: number;
    readonly left_usd: number;
    readonly level: number;
    readonly actions: readonly string[];
  }[];
  readonly emergencies: readonly { readonly scope: string }[];
  readonly saving: { readonly shutdown_usd_per_day: number } | null;
}

const status = async (): Promise<StatusJson> => {
  await run('status', '--json');
  return JSON.parse(output) as StatusJson;
};

/** Spends on all accounts that a call of `agent` draws on. */
async function spend(agent: string, usd: number): Promise<void> {
  const config = await loadConfig({ file, environment: {} });
  const store = createSqliteBudgetStore({
    path: join(config.dataDirectory, 'budgets.sqlite'),
    clock: systemClock,
    owner: 'test',
  });
  const standpoint = {
    tenant: 'default',
    team: undefined,
    key: undefined,
    agent,
    session: undefined,
    tags: [],
  };
  const lines = new Plan(config.budgets).touched(standpoint, Date.now());
  await store.hold({ id: `${agent}-${usd}`, amount: usd * 1e9, lines });
  await store.settle(`${agent}-${usd}`, usd * 1e9);
  await store.close();
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'economizer-budget-'));
  file = join(directory, 'economizer.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      data: join(directory, 'data'),
      budgets: [
        { id: 'all', period: 'monthly', limit_usd: 10 },
        { id: 'each', period: 'monthly', limit_usd: 100, hard: false, scope: { agent: '*' } },
      ],
      protection: { enabled: true, essential: { agents: ['support'] } },
    }),
  );
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complaints += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

describe('economizer budget', () => {
  it('shows budgets that nobody drew on yet', async () => {
    expect(await run('status')).toBe(0);
    expect(output).toContain('all');
    expect(output).toContain('0 %');
  });

  it('shows what was spent, the level and what is in force, and each agent that the ledger knows', async () => {
    await spend('crawler', 9.2);
    const ledger = createLedger({
      path: join(directory, 'data', 'ledger.sqlite'),
      clock: systemClock,
      signals: new Signals(),
    });
    await ledger.book(sampleRow({ at: Date.now(), agent: 'crawler', costNanos: 9.2e9 }));
    await ledger.close();
    const { budgets, saving } = await status();
    expect(budgets).toMatchObject([
      {
        id: 'all',
        value: null,
        spent_usd: 9.2,
        level: 2,
        actions: ['cache-more', 'cheaper-models', 'batch', 'defer'],
      },
      { id: 'each', value: 'crawler', spent_usd: 9.2, left_usd: 90.8, level: 0, actions: [] },
    ]);
    expect(saving!.shutdown_usd_per_day).toBe(9.2);
    await run('status');
    expect(output).toContain('cache-more cheaper-models batch defer');
    expect(output).toContain('would save about $9.20 of $9.20 a day');
  });

  it('pulls the switch and takes it back', async () => {
    expect(await run('emergency', 'on', '--scope', 'agent=crawler', '--for', '2h')).toBe(0);
    expect(output).toContain('EMERGENCY for agent=crawler: level 4');
    expect((await status()).emergencies).toMatchObject([{ scope: 'agent=crawler' }]);
    expect(await run('status', '--check')).toBe(3);
    expect(await run('emergency', 'off', '--scope', 'agent=crawler', '--json')).toBe(0);
    expect(JSON.parse(output)).toEqual({ was_on: true });
    expect(await run('emergency', 'off', '--scope', 'agent=crawler')).toBe(1);
    expect(await run('status', '--check')).toBe(0);
  });

  it.each([
    [['emergency', 'on', '--scope', 'nobody=x'], '`scope` must be everything'],
    [['emergency', 'on', '--level', '9'], '`level` must be a whole number from 1 to 4'],
    [['emergency', 'on', '--for', 'soon'], 'duration such as 30m'],
    [['emergency', 'on', '--level', '0'], 'whole number from 1 on'],
  ])('refuses %j', async (words, says) => {
    expect(await run(...words)).toBe(2);
    expect(complaints).toContain(says);
    expect((await status()).emergencies).toEqual([]);
  });

  it.each([
    [{ budgets: [] }, 'Add a budget'],
    [
      { budgets: [{ id: 'a', period: 'daily', limit_usd: 1 }], budgeting: { store: 'memory' } },
      'Ask the gateway itself',
    ],
  ])('says what to do where there is nothing to see: %j', async (config, says) => {
    writeFileSync(file, JSON.stringify({ data: join(directory, 'data'), ...config }));
    expect(await run('status')).toBe(2);
    expect(complaints).toContain(says);
  });
});
