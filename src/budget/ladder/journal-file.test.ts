import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  appendFileSync,
  mkdirSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Signals } from '../../kernel/signals.ts';
import type { Decision } from './decisions.ts';
import { createJournalFile, readDecisions } from './journal-file.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'economizer-decisions-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function decision(at: number): Decision {
  return { kind: 'emergency', at, scope: 'everything', on: true, level: 4, by: undefined };
}

test('decisions come back in their order, the newest last', async () => {
  const path = join(folder(), 'decisions.jsonl');
  const journal = createJournalFile({ path, signals: new Signals() });
  for (let at = 0; at < 50; at++) journal.record(decision(at));
  expect((await journal.recent(3)).map(({ at }) => at)).toEqual([47, 48, 49]);
  await journal.close();
  expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(50);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('files are bounded in size and number', async () => {
  const directory = folder();
  const path = join(directory, 'decisions.jsonl');
  const journal = createJournalFile({ path, signals: new Signals(), maxBytes: 1000, kept: 2 });
  for (let at = 0; at < 200; at++) {
    journal.record(decision(at));
    await journal.recent(0);
  }
  expect(readdirSync(directory).toSorted()).toEqual([
    'decisions.jsonl',
    'decisions.jsonl.1',
    'decisions.jsonl.2',
  ]);
  for (const file of readdirSync(directory)) {
    expect(statSync(join(directory, file)).size).toBeLessThan(1200);
  }
  const recent = await readDecisions(path, 12);
  expect(recent.map(({ at }) => at)).toEqual(Array.from({ length: 12 }, (_, index) => 188 + index));
});

test('a line that a crash tore is passed over', async () => {
  const path = join(folder(), 'decisions.jsonl');
  const journal = createJournalFile({ path, signals: new Signals() });
  journal.record(decision(1));
  await journal.close();
  appendFileSync(path, '{"kind":"emerg');
  expect(await readDecisions(path, 10)).toHaveLength(1);
});

test('where there is no journal there are no decisions', async () => {
  expect(await readDecisions(join(folder(), 'none.jsonl'), 10)).toEqual([]);
});

test('a journal that cannot be written is a signal and nothing else', async () => {
  const directory = folder();
  const path = join(directory, 'decisions.jsonl');
  mkdirSync(path);
  const signals = new Signals();
  const failed: string[] = [];
  signals.on('part-failed', ({ part }) => failed.push(part));
  const journal = createJournalFile({ path, signals, maxBytes: 1e9 });
  journal.record(decision(1));
  await journal.close();
  expect(failed).toEqual(['decisions']);
});
