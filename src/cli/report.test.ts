import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { sampleReuse, sampleRow } from '../ledger/sample-row.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import { reportCommand } from './report.ts';

let directory = '';
let ledger: Ledger;
let output = '';
let complaints = '';

const run = (...words: string[]): Promise<unknown> =>
  reportCommand()
    .exitOverride()
    .configureOutput({ writeErr: (text) => (complaints += text) })
    .parseAsync(['--data', directory, ...words], { from: 'user' });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'economizer-report-'));
  output = '';
  complaints = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    complaints += String(text);
    return true;
  });
  ledger = createLedger({
    path: join(directory, 'ledger.sqlite'),
    clock: new SimulatedClock(),
    signals: new Signals(),
  });
  await ledger.book(sampleRow({ costNanos: 2_500_000_000, withoutCostNanos: 2_500_000_000 }));
  await ledger.book(
    sampleReuse({ withoutCostNanos: 1_500_000_000, savedNanos: 1_500_000_000, agent: '=cmd()' }),
  );
  await ledger.book(
    sampleRow({
      id: 'row-3',
      modelServed: 'mystery',
      costNanos: undefined,
      withoutCostNanos: undefined,
    }),
  );
  await ledger.flush();
});

afterEach(async () => {
  vi.restoreAllMocks();
  await ledger.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('economizer report', () => {
  it('prints a table while a gateway has the ledger open', async () => {
    await run();
    expect(output).toMatch(/gpt-5-2025-08-07 .* 2 .* 1 .*\$2\.50 .*\$4\.00 .*\$1\.50/);
    expect(output).toMatch(/mystery .*unknown .*unknown/);
    expect(output).toMatch(/total .* 3 .*\$2\.50 \+ \?/);
    expect(output).toMatch(/cost of 1 call\(s\) is not known/);
    expect(complaints).toBe('');
  });

  it('prints exactly one JSON object', async () => {
    await run('--by', 'mechanism', '--json');
    expect(JSON.parse(output)).toMatchObject({
      by: 'mechanism',
      lines: [
        { group: '', calls: 2, unpriced: 1, cost_usd: 2.5 },
        { group: 'exact-cache', calls: 1, saved_measured_usd: 1.5, saved_estimated_usd: 0 },
      ],
      total: { calls: 3, reused: 1, cost_usd: 2.5, unpriced: 1, saved_seconds: 0.811 },
      pending: 0,
    });
  });

  it('prints CSV that is safe in a spreadsheet', async () => {
    await run('--by', 'agent', '--format', 'csv');
    const [head, ...lines] = output.trim().split('\n');
    expect(head).toMatch(/^agent,calls,reused,cost_usd,unpriced,/);
    expect(lines).toHaveLength(2);
    expect(output).toMatch(/^'=cmd\(\),1,1,0,0,1\.5,/m);
  });

  it('heeds the time asked for', async () => {
    await run('--from', '2026-01-02', '--json');
    expect(JSON.parse(output)).toMatchObject({ lines: [], total: { calls: 0 } });
    output = '';
    await run('--from', '2026-01-02');
    expect(output).toBe('No calls are booked for that time.\n');
    await expect(run('--from', 'yesterday')).rejects.toMatchObject({ exitCode: 1 });
    expect(complaints).toMatch(/must be a time such as/);
  });

  it('says how many calls are booked but not yet in the sums', async () => {
    await ledger.book(sampleRow({ id: 'row-4' }));
    await run('--json');
    expect(JSON.parse(output)).toMatchObject({ total: { calls: 3 }, pending: 1 });
    await run();
    expect(complaints).toMatch(/^1 more call\(s\) wait in the journal/);
  });

  it('says plainly where there is no ledger', async () => {
    const elsewhere = join(directory, 'nothing');
    await expect(run('--data', elsewhere)).rejects.toMatchObject({
      code: 'ECO_FILE',
      kind: 'config',
      message: expect.stringContaining('There is no ledger at') as unknown,
    });
    const other = mkdtempSync(join(directory, 'other-'));
    writeFileSync(join(other, 'ledger.sqlite'), readFileSync(import.meta.filename));
    await expect(run('--data', other)).rejects.toThrow('is not a ledger');
  });
});
