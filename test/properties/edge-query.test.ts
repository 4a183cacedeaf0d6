import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tellingFields } from '../../src/gateway/request-fields.ts';
import { isFromEdge, query, queryHouse, type Asking } from '../e2e/query-house.ts';
import { hasVarnish } from '../services/varnish-server.ts';

/** A call of QUERY in all that may differ. */
interface Asked {
  readonly body: string;
  readonly asking: Asking & { readonly headers: Record<string, string | string[]> };
}

/** What is done to a call, and whether that makes another one of it. */
interface Change {
  readonly name: string;
  readonly isTelling: boolean;
  readonly make: (asked: Asked) => Asked;
}

const withField = ({ body, asking }: Asked, name: string, value: string | string[]): Asked => {
  const { headers } = asking;
  const others = Object.entries(headers).filter(([each]) => each.toLowerCase() !== name);
  return { body, asking: { ...asking, headers: Object.fromEntries([...others, [name, value]]) } };
};

const valueOf = ({ asking: { headers } }: Asked, name: string): string => {
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name);
  return String(found?.[1] ?? '');
};

/** A value that is another than the one there. */
const otherField = fc
  .tuple(
    fc.constantFrom(
      ...tellingFields.filter((name) => name !== 'authorization'),
      'openai-anything',
      'anthropic-anything',
      'x-ms-anything',
      'x-economizer-anything',
      'x-some-token',
      'x-auth-thing',
    ),
    fc.stringMatching(/^[a-z0-9#]{1,6}$/),
    fc.boolean(),
  )
  .map(([name, value, twice]): Change => ({
    name: `${name}: ${value}${twice ? ' as one more line' : ''}`,
    isTelling: true,
    make: (asked) => {
      const before = valueOf(asked, name);
      const other = before === value ? `${value}0` : value;
      return withField(asked, name, twice && before !== '' ? [before, other] : other);
    },
  }));

const inertField = fc
  .tuple(
    fc.constantFrom(
      'user-agent',
      'traceparent',
      'accept-encoding',
      'x-request-id',
      'x-stainless-os',
    ),
    fc.stringMatching(/^[a-z0-9]{1,6}$/),
  )
  .map(([name, value]): Change => ({
    name: `${name}: ${value}`,
    isTelling: false,
    make: (asked) => withField(asked, name, value),
  }));

const otherBody = fc.constantFrom<Change>(
  { name: 'white space', isTelling: true, make: (asked) => ({ ...asked, body: `${asked.body} ` }) },
  {
    name: 'another order of members',
    isTelling: true,
    make: (asked) => {
      const members = Object.entries(JSON.parse(asked.body) as object).toReversed();
      return { ...asked, body: JSON.stringify(Object.fromEntries(members)) };
    },
  },
  {
    name: 'another letter',
    isTelling: true,
    make: (asked) => ({ ...asked, body: asked.body.replace('economizer', 'economiser') }),
  },
  { name: 'nothing', isTelling: false, make: (asked) => asked },
);

const otherCaller = fc
  .constantFrom('bob', 'gus', 'ivy', 'nobody', 'ann#', '')
  .map((key): Change => ({
    name: `key ${key}`,
    isTelling: true,
    make: ({ body, asking }) => ({ body, asking: { ...asking, key } }),
  }));

const otherWay = fc.constantFrom<Change>(
  {
    name: 'query of the target',
    isTelling: true,
    make: ({ body, asking }) => ({ body, asking: { ...asking, path: '/v1/chat/completions?a#b' } }),
  },
  {
    name: 'a field for this connection alone',
    isTelling: true,
    make: (asked) => withField(asked, 'connection', ['keep-alive', 'x-economizer-agent']),
  },
  {
    name: 'POST',
    isTelling: true,
    make: ({ body, asking }) => ({ body, asking: { ...asking, method: 'POST' } }),
  },
);

const change = fc.oneof(
  { arbitrary: otherField, weight: 6 },
  { arbitrary: inertField, weight: 2 },
  otherBody,
  otherCaller,
  otherWay,
);

/** Calls whose answers the edge may keep. */
const base = fc.record(
  {
    'x-economizer-agent': fc.constantFrom('a', 'b'),
    'X-Economizer-Tags': fc.constantFrom('t', 't,u'),
    'session-id': fc.constantFrom('s1', 's2'),
    Accept: fc.constantFrom('application/json', '*/*'),
    'openai-beta': fc.constantFrom('x=1', 'x=2'),
  },
  { requiredKeys: [] },
);

let asked = 0;

/** A question that nobody has asked before. */
function questionOf(headers: Record<string, string>, stream: boolean): Asked {
  const messages = [{ role: 'user', content: `What is an economizer? ${asked++}` }];
  const body = JSON.stringify({ model: 'gpt-4o', temperature: 0, stream, messages });
  return { body, asking: { headers } };
}

describe.skipIf(!hasVarnish)('an answer at the edge', () => {
  it('is given to the same key, body and fields, and to nothing else', async () => {
    const house = await queryHouse();
    const ask = ({ body, asking }: Asked) => query(house.edge.url, body, asking);
    const seen = { shared: 0, apart: 0 };
    await fc.assert(
      fc.asyncProperty(base, fc.boolean(), change, async (headers, stream, { make, isTelling }) => {
        const question = questionOf(headers, stream);
        const first = await ask(question);
        for (let turn = 0; turn < 2; turn++) await ask(question);
        const kept = await ask(question);
        expect([first.status, isFromEdge(kept)]).toEqual([200, true]);
        expect(kept.body.equals(first.body)).toBe(true);

        const before = house.seen();
        const answer = await ask(make(question));
        expect([isFromEdge(answer), house.seen() - before]).toEqual([
          !isTelling,
          Number(isTelling),
        ]);
        if (!isTelling) expect(answer.body.equals(first.body)).toBe(true);
        seen[isTelling ? 'apart' : 'shared']++;
      }),
      { numRuns: 150 },
    );
    expect(Math.min(seen.shared, seen.apart)).toBeGreaterThan(10);
  }, 120_000);
});
