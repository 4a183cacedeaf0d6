import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../kernel/json.ts';
import { normalArguments, type ArgumentTerms } from './normal-arguments.ts';

const plain: ArgumentTerms = { schema: undefined, volatile: [], sets: [], nfc: false };

function textOf(value: unknown, terms: Partial<ArgumentTerms> = {}): string {
  const normal = normalArguments([value], { ...plain, ...terms });
  if (normal.fault !== undefined) throw new Error(normal.fault);
  return normal.text;
}

/** JSON values whose numbers a double can tell apart. */
const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((value) => !/\d{16}|e\+?\d{2}/.test(JSON.stringify(value))) as fc.Arbitrary<JsonValue>;

/** The same value with the members of its objects in another order. */
function shuffled(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toReversed();
  return Object.fromEntries(members.map(([name, each]) => [name, shuffled(each as JsonValue)]));
}

/** RFC 8785, as far as it parts values: the plain way, to hold ours against. */
function reference(value: JsonValue): string {
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(reference).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const names = Object.keys(value).sort();
  const members = names.map(
    (name) => `${JSON.stringify(name)}:${reference((value as Record<string, JsonValue>)[name]!)}`,
  );
  return `{${members.join()}}`;
}

describe('arguments in one form', () => {
  it('are equal exactly where RFC 8785 says so', () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        expect(textOf(one) === textOf(other)).toBe(reference(one) === reference(other));
        expect(textOf(shuffled(one))).toBe(textOf(one));
        expect(textOf(JSON.parse(JSON.stringify(one)))).toBe(textOf(one));
      }),
      { numRuns: 300 },
    );
  });

  it('are the same with volatile members and without, and never mixed up with others', () => {
    fc.assert(
      fc.property(json, json, json, (value, one, other) => {
        const terms = { volatile: ['trace', 'meta.*'] };
        const with_ = (trace: JsonValue) => ({ value, trace, meta: { x: trace } });
        expect(textOf(with_(one), terms)).toBe(textOf(with_(other), terms));
        expect(textOf({ value, trace: one, kept: 1 }, terms)).not.toBe(textOf(with_(one), terms));
      }),
    );
  });

  it('fill in what a schema says is usual, at every depth, and nothing that is there', () => {
    const schema = {
      properties: {
        limit: { default: 10 },
        filter: { $ref: '#/$defs/filter', default: {} },
        rows: { items: { properties: { unit: { default: 'm' } } } },
      },
      $defs: {
        filter: { properties: { open: { default: true } } },
        loop: { $ref: '#/$defs/loop' },
      },
    };
    const full = { limit: 10, filter: { open: true }, rows: [{ unit: 'm' }] };
    expect(textOf({ rows: [{}] }, { schema })).toBe(textOf(full, { schema }));
    expect(textOf({ rows: [{ unit: 'm' }], limit: 10 }, { schema })).toBe(textOf(full, { schema }));
    for (const other of [{ limit: null }, { limit: 11 }, { filter: { open: false } }]) {
      expect(textOf({ ...full, ...other }, { schema })).not.toBe(textOf(full, { schema }));
    }
  });

  it('survive schemas that lead nowhere or in circles', () => {
    const texts = [
      { $ref: '#/$defs/loop', $defs: { loop: { $ref: '#/$defs/loop' } } },
      { $ref: 'https://elsewhere.example/schema' },
      { $ref: '#/nowhere' },
      { properties: 7, allOf: 'x', items: [] },
    ].map((schema) => textOf({ a: 1 }, { schema }));
    expect(new Set(texts)).toEqual(new Set([textOf({ a: 1 })]));
    // Filled in without end, two such members would be two to the power of the depth.
    const next = { $ref: '#', default: {} };
    const circle = { properties: { left: next, right: next } };
    expect(textOf({}, { schema: circle })).toBe(textOf({}));
    const line = { properties: { next } };
    expect(textOf({}, { schema: line })).toContain('next');
  });

  it('say why where there is no form', () => {
    const faults = [2 ** 53, Number.NaN, 1n, new Date(0), Symbol('x')].map(
      (value) => normalArguments([{ at: value }], plain).fault,
    );
    expect(faults).toEqual([
      'a whole number past 2^53',
      'NaN at 0.at',
      'a bigint at 0.at',
      'a Date at 0.at',
      'a symbol at 0.at',
    ]);
  });
});
