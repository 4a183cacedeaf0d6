import { hash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedKeyOf } from '../../src/access/key-record.ts';
import { Keyring } from '../../src/access/keyring.ts';
import { createKey } from '../../src/access/lifecycle.ts';
import { newTerms, readTerms } from '../../src/access/read-terms.ts';
import { createMemoryKeyStore } from '../../src/access/stores/memory.ts';
import { readConfig } from '../../src/config/read.ts';
import { EconomizerError } from '../../src/kernel/errors.ts';
import { isName, isTag } from '../../src/kernel/names.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import { send, startHouse } from '../e2e/harness.ts';
import { exchange } from '../e2e/raw-socket.ts';

const nasty = fc.constantFrom(
  '__proto__',
  'unknown',
  'constructor',
  'toString',
  '*',
  '',
  ' ',
  'a\nb',
  '\u202e',
  '\ud800',
  'x'.repeat(70_000),
  '\u0000',
  '${HOME}',
  'eco-',
);
const anyText = fc.oneof(nasty, fc.string(), fc.string({ unit: 'binary' }));
const termNames = ['id', 'tenant', 'team', 'agent', 'tags', 'models', 'providers', 'scopes'];
const anyTerms = fc.dictionary(
  fc.oneof(fc.constantFrom(...termNames, 'expires', 'overridable', '__proto__'), anyText),
  fc.oneof(anyText, fc.jsonValue(), fc.array(anyText, { maxLength: 40 }), fc.constant(null)),
  { maxKeys: 6 },
);

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'fine';
  } catch (error) {
    return EconomizerError.from(error).code;
  }
}

describe('whatever comes', () => {
  it('no text opens a keyring but a key, and none makes it fail', async () => {
    const clock = new SimulatedClock();
    const store = createMemoryKeyStore();
    const terms = { ...newTerms('red', randomBytes), id: 'ci' };
    const { text } = await createKey({ store, clock, random: randomBytes }, terms);
    const keyring = new Keyring({ configured: [], store, clock, signals: new Signals() });
    const near = fc.nat(text.length - 1).map((at) => text.slice(0, at) + text.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(anyText, near, fc.constant(undefined)), (shown) => {
        expect(codeOf(() => keyring.find(shown))).toBe('ECO_UNAUTHORISED');
      }),
    );
    expect(keyring.find(text).id).toBe('ci');
  });

  it('terms of a key are sound or refused', () => {
    const before = newTerms('red', randomBytes);
    fc.assert(
      fc.property(anyTerms, (given) => {
        let terms;
        try {
          terms = readTerms(given, before, 0);
        } catch (error) {
          expect(EconomizerError.from(error).code).toBe('ECO_BAD_KEY');
          expect(String(error).length).toBeLessThan(500);
          return;
        }
        for (const name of [terms.id, terms.tenant, terms.team ?? 'x', terms.agent ?? 'x']) {
          expect(isName(name)).toBe(true);
        }
        expect(terms.tenant).not.toBe('unknown');
        expect(terms.tags.every(isTag)).toBe(true);
        expect(terms.models?.length).not.toBe(0);
        expect(terms.scopes.length).toBeGreaterThan(0);
        if (!Object.hasOwn(given, 'scopes')) expect(terms.scopes).toEqual(before.scopes);
      }),
      { numRuns: 500 },
    );
  });

  it('a record is a key or refused, and never a key without its limits', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          fc.json(),
          anyTerms.map((each) => JSON.stringify(each)),
        ),
        (text) => {
          expect(codeOf(() => storedKeyOf(text))).toBe('ECO_KEY_STORE');
        },
      ),
    );
  });

  it('a configuration of access is sound or explained', () => {
    const key = fc.record(
      {
        id: fc.oneof(fc.constantFrom('a', 'b'), anyText),
        sha256: fc.oneof(fc.constant('0'.repeat(64)), anyText),
        tenant: anyText,
        tags: fc.array(anyText, { maxLength: 3 }),
        models: fc.array(anyText, { maxLength: 3 }),
        providers: fc.array(fc.oneof(fc.constant('openai'), anyText), { maxLength: 2 }),
        scopes: fc.array(fc.oneof(fc.constant('call'), anyText), { maxLength: 3 }),
        expires: fc.oneof(fc.constantFrom('2030-01-01', '2030-13-01', 5), anyText),
      },
      { requiredKeys: [] },
    );
    const access = fc.oneof(
      fc.jsonValue(),
      fc.record({ keys: fc.oneof(fc.array(key, { maxLength: 3 }), fc.jsonValue()) }),
      fc.record({ admin_sha256: anyText }),
    );
    fc.assert(
      fc.property(access, (given) => {
        const text = JSON.stringify({ access: given });
        const { config, faults } = readConfig({ text, environment: {}, keeps: false });
        if (config === undefined) expect(faults.length).toBeGreaterThan(0);
        for (const each of config?.access.keys ?? []) {
          expect(each.sha256).toMatch(/^[0-9a-f]{64}$/);
          expect([each.id, each.tenant].every(isName)).toBe(true);
          expect(each.scopes.length).toBeGreaterThan(0);
          expect(each.models?.length).not.toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});

const headerName = fc.oneof(
  fc.constantFrom(
    'Authorization',
    'x-api-key',
    'X-Economizer-Agent',
    'X-Economizer-Session',
    'X-Economizer-Tags',
    'X-Economizer-Deadline',
    'x-claude-code-session-id',
    'Origin',
    'Host',
    'X-Forwarded-For',
    'Cache-Control',
    'Connection',
    'Content-Length',
    '__proto__',
  ),
  fc.stringMatching(/^[a-z-]{1,20}$/),
);
const headerValue = fc.oneof(
  fc.constantFrom('', ',', 'Bearer', 'Bearer ', '*', 'a,b', 'x'.repeat(5000), '127.0.0.1', '-1'),
  fc.string({ unit: 'binary-ascii' }).map((text) => text.replaceAll(/[\r\n\0]/g, '')),
  fc.uint8Array({ maxLength: 40 }).map((bytes) =>
    Buffer.from(bytes)
      .toString('latin1')
      .replaceAll(/[\r\n\0]/g, ''),
  ),
);

describe('whatever headers come, also several of a name', { timeout: 60_000 }, () => {
  it.each([true, false])(
    'they are answered or refused in order (with keys: %s)',
    async (hasKeys) => {
      const sha256 = hash('sha256', 'good', 'hex');
      const house = await startHouse(
        hasKeys ? { config: { access: { keys: [{ id: 'a', sha256 }] } } } : {},
      );
      const lines = fc.array(fc.tuple(headerName, headerValue), { maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(lines, fc.boolean(), async (headers, isGood) => {
          const key = isGood ? 'Authorization: Bearer good\r\n' : '';
          const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
          const answer = await exchange(
            house.url,
            `GET /v1/models HTTP/1.1\r\nHost: localhost\r\n${key}Connection: close\r\n${head}\r\n`,
            (text) => text.includes('\r\n\r\n'),
          );
          expect(answer).toMatch(/^HTTP\/1\.1 (?:200|400|401|403|404|408|413|431|501) /);
        }),
        { numRuns: 80 },
      );
      // It still serves.
      const headers = { authorization: 'Bearer good' };
      expect(
        (await send(`${house.url}/v1/models`, undefined, { method: 'GET', headers })).status,
      ).toBe(200);
    },
  );

  it('the admin API answers in JSON and never fails', async () => {
    const key = 'operator-key-of-enough-letters';
    const admin_sha256 = hash('sha256', key, 'hex');
    const house = await startHouse({ config: { access: { admin_sha256 } } });
    const part = fc.oneof(
      fc.constantFrom(
        'keys',
        'usage',
        'stores',
        'rotate',
        '..',
        '',
        '%',
        '%00',
        '%2f',
        '__proto__',
        'ci',
      ),
      fc.stringMatching(/^[\w%.~-]{0,10}$/),
    );
    const path = fc.array(part, { maxLength: 4 }).map((parts) => parts.join('/'));
    const query = fc.constantFrom(
      '',
      '?',
      '?tenant=%',
      '?by=day&by=x',
      '?__proto__=1',
      '?from=NaN',
    );
    const body = fc.oneof(
      fc.json(),
      anyTerms.map((each) => JSON.stringify(each)),
      fc.string(),
    );
    const method = fc.constantFrom('GET', 'POST', 'PATCH', 'DELETE', 'PUT');
    await fc.assert(
      fc.asyncProperty(method, path, query, body, async (verb, target, search, text) => {
        const url = `${house.url}/economizer/admin/`;
        const head = `${verb} /economizer/admin/${target}${search} HTTP/1.1\r\nHost: localhost\r\n`;
        const bytes = verb === 'GET' ? '' : text;
        const length = Buffer.byteLength(bytes);
        const answer = await exchange(
          url,
          `${head}Authorization: Bearer ${key}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${Buffer.from(bytes).toString('latin1')}`,
        );
        const status = Number(answer.slice(9, 12));
        expect([200, 201, 400, 401, 404, 413]).toContain(status);
        expect(typeof JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toBe('object');
      }),
      { numRuns: 150 },
    );
  });
});
