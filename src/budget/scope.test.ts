import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BudgetScope, Standpoint } from './budget.ts';
import { accountOf, codeOf, matchesOf } from './scope.ts';

const here: Standpoint = {
  tenant: 'acme',
  team: 'ml',
  key: 'ci',
  agent: 'planner',
  session: 's1',
  tags: ['nightly', 'eu'],
};

const codes = (scope: BudgetScope, changes: Partial<Standpoint> = {}): string[] =>
  matchesOf(scope, { ...here, ...changes }).map(({ code }) => code);

describe('scopes', () => {
  it('match where every named field does', () => {
    expect(codes({})).toEqual(['']);
    expect(codes({ tenant: 'acme', team: 'ml', tag: 'eu' })).toEqual(['']);
    expect(codes({ tenant: 'other' })).toEqual([]);
    expect(codes({ tag: 'us' })).toEqual([]);
    expect(codes({ team: 'ml' }, { team: undefined })).toEqual([]);
  });

  it('have an account for each value of a star, within the tenant', () => {
    expect(codes({ agent: '*' })).toEqual(['acme/planner']);
    expect(codes({ tenant: '*', agent: '*' })).toEqual(['acme/planner']);
    expect(codes({ tenant: '*' })).toEqual(['acme']);
    expect(codes({ tag: '*' }, { tags: ['a', 'b', 'a'] })).toEqual(['acme/a', 'acme/b']);
  });

  it('let calls that name nothing share one', () => {
    expect(codes({ agent: '*' }, { agent: undefined })).toEqual(['acme/']);
    expect(codes({ agent: '*' }, { agent: '' })).toEqual(['acme/']);
    expect(codes({ tag: '*' }, { tags: [] })).toEqual(['acme/']);
    expect(matchesOf({ agent: '*' }, { ...here, agent: undefined })[0]!.value).toBe('');
  });

  it('give different values different accounts, short ones, whatever callers write', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('a/b', 'a@b', '~x', '%7E', '{acme}', '', '\ud800', '\udfff', '\ufffd', 'a'),
    );
    fc.assert(
      fc.property(text, text, text, text, (agent, session, otherAgent, otherSession) => {
        const account = (values: Partial<Standpoint>): string => {
          const [match] = matchesOf({ agent: '*', session: '*' }, { ...here, ...values });
          return accountOf('acme', 'each', match!, '2026-01');
        };
        const one = account({ agent, session });
        const other = account({ agent: otherAgent, session: otherSession });
        expect(one === other).toBe(agent === otherAgent && session === otherSession);
        expect(one.length).toBeLessThan(330);
        expect(one).toMatch(/^\{acme\}each\/acme\/[\w.%~-]*\/[\w.%~-]*@2026-01$/);
      }),
    );
  });

  it('are not mistaken for a hash that somebody wrote', () => {
    const long = 'x'.repeat(500);
    expect(codeOf(codeOf(long))).not.toBe(codeOf(long));
  });
});
