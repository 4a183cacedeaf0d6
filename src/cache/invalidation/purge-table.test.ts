import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noMark, type Mark } from './mark.ts';
import { PurgeTable, everyTenant, type Labelled, type Purged } from './purge-table.ts';

const entry: Labelled = {
  key: 'k1',
  tags: ['tenant:acme', 'provider:openai', 'model:gpt-5', 'agent:support', 'tag:docs/1'],
  epoch: 10,
  storedAt: 1000,
};

function tableOf(...lines: [tenant: string, selector: string, mark: Partial<Mark>][]): PurgeTable {
  const table = new PurgeTable();
  table.merge(
    lines.map(([tenant, selector, mark]) => ({
      tenant,
      selector,
      mark: { ...noMark, ...mark },
    })),
  );
  return table;
}

describe('a table of purges', () => {
  it.each<[string, string, string]>([
    ['everything of everybody', everyTenant, 'all'],
    ['everything of a tenant', 'acme', 'all'],
    ['a key', 'acme', 'key:k1'],
    ['a model', 'acme', 'model:gpt-5'],
    ['an agent of everybody', everyTenant, 'agent:support'],
    ['a tag', 'acme', 'tag:docs/1'],
    ['a prefix of a tag', 'acme', 'prefix:docs/'],
    ['a prefix of models', 'acme', 'prefix:model:gpt-'],
    ['a prefix of whatever', everyTenant, 'prefix:sup'],
  ])('means by %s what was asked for before, and nothing later', (_name, tenant, selector) => {
    const table = tableOf([tenant, selector, { hard: 11 }]);
    expect(table.judge(entry).kind).toBe('gone');
    expect(table.judge({ ...entry, epoch: 11 }).kind).toBe('kept');
    expect(table.judge({ ...entry, epoch: undefined }).kind).toBe('gone');
    expect(table.version).toBe(11);
  });

  it.each<[string, string, string]>([
    ['another tenant', 'globex', 'all'],
    ['another key', 'acme', 'key:k2'],
    ['a name of another kind', 'acme', 'tag:support'],
    ['a prefix of another kind', 'acme', 'prefix:agent:gpt-'],
    ['the name of the tenant, which nobody gave', everyTenant, 'prefix:acm'],
  ])('lets %s be', (_name, tenant, selector) => {
    expect(tableOf([tenant, selector, { hard: 99 }]).judge(entry).kind).toBe('kept');
  });

  it('goes by the time of storing for an age', () => {
    const table = tableOf(['acme', 'all', { hardBefore: 1000 }]);
    expect(table.judge(entry).kind).toBe('kept');
    expect(table.judge({ ...entry, storedAt: 999 }).kind).toBe('gone');
  });

  it('tells since when an entry is stale, the earliest of several', () => {
    const table = tableOf(
      ['acme', 'model:gpt-5', { soft: 50 }],
      ['acme', 'tag:docs/1', { softBefore: 2000, softBeforeAt: 40 }],
    );
    expect(table.judge(entry)).toEqual({ kind: 'stale', since: 40 });
    expect(table.judge({ ...entry, storedAt: 2000 })).toEqual({ kind: 'stale', since: 50 });
    const both = tableOf(['acme', 'tag:docs/1', { soft: 50, hard: 12 }]);
    expect(both.judge(entry).kind).toBe('gone');
  });

  it('heeds the purges of who reads, where tenants share answers', () => {
    const table = tableOf(['globex', 'tag:docs/1', { hard: 11 }]);
    expect(table.judge(entry, { reader: 'globex' }).kind).toBe('gone');
    expect(table.judge(entry, { reader: 'acme' }).kind).toBe('kept');
  });

  it('distrusts what came from a shared tier whose table was lost', () => {
    const table = tableOf([everyTenant, 'shared', { hard: 11 }]);
    expect(table.judge(entry, { shared: true }).kind).toBe('gone');
    expect(table.judge(entry).kind).toBe('kept');
  });

  it('knows the last purge that could mean a tenant', () => {
    const table = tableOf(['acme', 'tag:x', { hard: 5 }], [everyTenant, 'model:m', { soft: 9 }]);
    expect(table.versionFor('acme')).toBe(9);
    expect(table.versionFor('globex')).toBe(9);
    expect(tableOf(['acme', 'tag:x', { hard: 5 }]).versionFor('globex')).toBe(0);
  });
});

const names = fc.constantFrom('a', 'b', 'c', 'd');
const tenants = fc.constantFrom('t', 'u', everyTenant);
const numbers = fc.nat({ max: 20 });
const marks = fc.record({
  hard: numbers,
  hardBefore: numbers,
  soft: numbers,
  softBefore: numbers,
  softBeforeAt: numbers,
});
const selectors = fc.oneof(
  fc.constant('all'),
  names.map((name) => `tag:${name}`),
  names.map((name) => `key:${name}`),
  names.map((name) => `prefix:${name}`),
);
const lines = fc.array(
  fc.record({ tenant: tenants, selector: selectors, mark: marks }) satisfies fc.Arbitrary<Purged>,
  { maxLength: 40 },
);
const entries = fc.record({
  key: names,
  tags: fc
    .tuple(fc.constantFrom('t', 'u'), fc.array(names, { maxLength: 3 }))
    .map(([tenant, tags]) => [`tenant:${tenant}`].concat(tags.map((tag) => `tag:${tag}`))),
  epoch: numbers,
  storedAt: numbers,
});

/** The same by looking at every line there ever was. */
function isMeant(all: readonly Purged[], { key, tags = [], epoch = 0, storedAt }: Labelled) {
  const owner = tags[0]!.slice(7);
  return all.some(({ tenant, selector, mark }) => {
    if (tenant !== everyTenant && tenant !== owner) return false;
    const fits =
      selector === 'all' ||
      selector === `key:${key}` ||
      tags.includes(selector) ||
      (selector.startsWith('prefix:') &&
        tags.slice(1).some((tag) => tag.slice(4).startsWith(selector.slice(7))));
    return fits && (epoch < mark.hard || storedAt < mark.hardBefore);
  });
}

describe('whatever is purged', () => {
  it('is judged as by looking at every line, in whatever order and however often they came', () => {
    fc.assert(
      fc.property(lines, entries, fc.integer(), (all, each, seed) => {
        const table = new PurgeTable();
        table.merge(all);
        const shuffled = all.toSorted(
          (one, other) => ((one.mark.hard * seed) % 7) - (other.mark.soft % 5),
        );
        const again = new PurgeTable();
        for (const line of [...shuffled, ...all]) again.merge([line]);
        expect(table.judge(each).kind === 'gone').toBe(isMeant(all, each));
        expect(again.judge(each)).toEqual(table.judge(each));
        expect(new Set(again)).toEqual(new Set(table));
      }),
    );
  });

  it('stays purged when the table is folded, and the table stays within its limits', () => {
    fc.assert(
      fc.property(lines, fc.array(entries, { maxLength: 20 }), (all, some) => {
        const limits = { perTenant: 4, total: 6, prefixes: 2 };
        const [whole, folded] = [new PurgeTable(), new PurgeTable(limits)];
        const kept = new PurgeTable();
        for (const line of all) {
          whole.merge([line]);
          kept.merge(folded.merge([line]));
          const { raised, dropped } = folded.fold();
          kept.merge(raised);
          expect(folded.size).toBeLessThanOrEqual(limits.total);
          expect(dropped.every(({ selector }) => selector !== 'all') || raised.length > 0).toBe(
            true,
          );
        }
        for (const each of some) {
          if (whole.judge(each).kind === 'gone') {
            expect(folded.judge(each).kind).toBe('gone');
            expect(kept.judge(each).kind).toBe('gone');
          }
          if (whole.judge(each).kind === 'stale') expect(folded.judge(each).kind).not.toBe('kept');
        }
      }),
    );
  });
});
