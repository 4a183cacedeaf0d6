import { describe, expect, it } from 'vitest';
import { EconomizerError } from '../../kernel/errors.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { noMark } from '../invalidation/mark.ts';
import { everyTenant, everything, type Purged } from '../invalidation/purge-table.ts';
import { EdgeNames } from './names.ts';
import { edgeLabel, shareOf } from './public.ts';
import { sampleEntry } from '../sample-entry.ts';
import { EdgePurges } from './purges.ts';

const names = new EdgeNames({ current: 'ours' });
const shares = [
  { name: 'faq', tenants: new Set(['acme', 'globex']) },
  { name: 'docs', tenants: new Set(['acme']) },
];

function stage(failing = false) {
  const told: { readonly keys: readonly string[]; readonly soft: boolean }[] = [];
  const error = new EconomizerError('ECO_EDGE', 'It is down.');
  const way = (name: string, fails: boolean) => ({
    name,
    batchMax: 100,
    async purge(keys: readonly string[], soft: boolean) {
      told.push({ keys, soft });
      return fails ? { error } : undefined;
    },
  });
  const ways = [way('one', false), way('two', failing)];
  const clock = new SimulatedClock();
  const purges = new EdgePurges({ ways, shares, names, clock, signals: new Signals() });
  return { purges, told, error };
}

const line = (tenant: string, selector: string, mark: Partial<Purged['mark']> = { hard: 1 }) => ({
  tenant,
  selector,
  mark: { ...noMark, ...mark },
});

describe('a purge at the edge', () => {
  it.each<[string, string, readonly [share: string, selector: string][]]>([
    [
      everyTenant,
      'tag:x',
      [
        ['faq', 'tag:x'],
        ['docs', 'tag:x'],
      ],
    ],
    [
      'acme',
      'tag:x',
      [
        ['faq', 'tag:x'],
        ['docs', 'tag:x'],
      ],
    ],
    ['globex', 'tag:x', [['faq', 'tag:x']]],
    ['nobody', 'tag:x', []],
    ['globex', everything, [['faq', everything]]],
    ['globex', 'prefix:docs/', [['faq', everything]]],
    [
      everyTenant,
      'shared',
      [
        ['faq', everything],
        ['docs', everything],
      ],
    ],
  ])(
    'in the tenant "%s" of %s is one of what that tenant shares',
    async (tenant, selector, keys) => {
      const { purges, told } = stage();
      await purges.purge([line(tenant, selector)], { soft: false });
      const expected = keys.map(([share, each]) => names.surrogateKey(share, each));
      // Each edge is told.
      expect(told).toEqual(
        keys.length === 0
          ? []
          : [
              { keys: expected, soft: false },
              { keys: expected, soft: false },
            ],
      );
    },
  );

  it('names what the entry is called by there, each name of it and no other share', () => {
    const bare = sampleEntry({ key: 'k', now: 0 });
    const entry = { ...bare, tags: [...bare.tags!, edgeLabel('faq')] };
    expect(shareOf(entry)).toBe('faq');
    expect(shareOf(bare)).toBeUndefined();
    const called = names.surrogateKeys(entry, 'faq');
    for (const selector of [everything, 'key:k', 'model:claude-sample-1', 'tag:naïve']) {
      expect(called).toContain(names.surrogateKey('faq', selector));
      expect(called).not.toContain(names.surrogateKey('docs', selector));
    }
    const many = Array.from({ length: 500 }, (_, index) => `tag:${index}`);
    expect(names.surrogateKeys({ ...entry, tags: many }, 'faq')).toHaveLength(63);
  });

  it('fails where one of the edges could not be told, which is remembered', async () => {
    const { purges, error } = stage(true);
    await expect(purges.purge([line('acme', 'tag:x')], { soft: true })).rejects.toBe(error);
    expect(purges.isBehind).toBe(true);
    const well = stage();
    await well.purges.purge([line('acme', 'tag:x')], { soft: true });
    expect(well.purges.isBehind).toBe(false);
  });

  it('of another gateway is repeated, but not what was purged before this one served', async () => {
    const { purges, told } = stage();
    const news = [line('globex', 'tag:hard'), line('globex', 'tag:soft', { soft: 1 })];
    purges.heard(news);
    await Promise.resolve();
    expect(told).toEqual([]);
    purges.listen();
    purges.heard(news);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    await purges.close();
    expect(told).toContainEqual({ keys: [names.surrogateKey('faq', 'tag:hard')], soft: false });
    expect(told).toContainEqual({ keys: [names.surrogateKey('faq', 'tag:soft')], soft: true });
  });
});
