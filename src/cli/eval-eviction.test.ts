import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evictionText } from './eval-eviction-table.ts';
import { evictionOf, evictionReport } from './eval-eviction.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eval-eviction-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileOf(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  const packed = name.endsWith('.gz') ? gzipSync(text) : zstdCompressSync(text);
  await writeFile(file, name.endsWith('.txt') ? text : packed);
  return file;
}

/** A loop over more keys than there is room for. */
const loop = (rounds: number, line: (key: number) => string) =>
  Array.from({ length: 60 * rounds }, (_, at) => `${line(at % 60)}\n`).join('');

describe('eval eviction', () => {
  it('holds us against LRU and the optimum, over several files in order', async () => {
    const files = [
      await fileOf(
        'a.gz',
        loop(20, (key) => `k${key}`),
      ),
      await fileOf(
        'b.zst',
        loop(20, (key) => `k${key}`),
      ),
      await fileOf(
        'c.txt',
        loop(20, (key) => `k${key}`),
      ),
    ];
    const result = await evictionOf(files, 40, false);
    expect(result).toMatchObject({ requests: 3600, uniqueKeys: 60, bytes: undefined });
    expect(result.hits.lru).toBe(0);
    // Belady keeps 39 of 40 through the loop, and one place is for who comes and goes.
    expect(result.hits.belady).toBeGreaterThan(0.64);
    expect(result.hits.ours).toBeGreaterThan(0.9 * result.hits.belady);
    expect(Object.keys(evictionReport(result)).slice(0, 4)).toEqual([
      'requests',
      'ours',
      'lru',
      'belady',
    ]);
    expect(evictionReport(result)).toMatchObject({ requests: 3600, belady_is: 'optimum' });
    expect(evictionText(result, 40)).toContain(
      '3,600 requests for 60 keys, with room for 40 entries',
    );
  });

  it('counts entries alike without --bytes, whatever the lines say', async () => {
    const plain = await evictionOf(
      [
        await fileOf(
          'p.txt',
          loop(10, (key) => `${key}`),
        ),
      ],
      20,
      false,
    );
    const sized = loop(10, (key) => `${key} ${1 + 100 * key} ${key / 7}`);
    const same = await evictionOf([await fileOf('s.txt', sized)], 20, false);
    expect(same).toEqual(plain);
  });

  it('weighs by bytes and by dollars, and names its bound', async () => {
    const line = (key: number) => `${key} ${key % 3 === 0 ? 900 : 100} ${key % 2 === 0 ? 1 : 0.01}`;
    const result = await evictionOf([await fileOf('w.txt', loop(40, line))], 5000, true);
    const report = evictionReport(result) as Record<string, Record<string, number>>;
    expect(report).toMatchObject({ ratios_are_of: 'requests', belady_is: 'upper bound' });
    for (const name of ['of_bytes', 'of_dollars']) {
      expect(report[name]!['ours']).toBeLessThanOrEqual(report[name]!['belady']!);
    }
    expect(result.hits.ours).toBeLessThanOrEqual(result.hits.belady);
    expect(result.worth!.ours).toBeGreaterThan(0.5);
    expect(result.worth!.lru).toBe(0);
    expect(evictionText(result, 5000)).toContain('bound that nothing passes');
  });

  it.each([
    ['more columns', 'a 1 2 3\n', false, 'line 1: a line is "key [bytes [dollars]]"'],
    ['no size', 'a 1\nb\n', true, 'line 2: with --bytes each line needs a size'],
    ['odd size', 'a 1.5\n', true, 'the bytes must be a whole number of 0 or more, not "1.5"'],
    ['less than nothing', 'a 1 -2\n', true, 'the dollars must be a number of 0 or more, not "-2"'],
    ['nothing', '\n \n', false, 'There is no request in'],
  ])('explains a file at fault: %s', async (name, text, byBytes, told) => {
    const file = await fileOf(`${name}.txt`, text);
    await expect(evictionOf([file], 10, byBytes)).rejects.toThrow(told);
  });
});
