import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultText } from './fault.ts';
import { readConfig } from './read.ts';

const digits = 'ab'.repeat(32);

function read(text: string | undefined, environment: Record<string, string> = {}) {
  return readConfig({ text, environment, fileName: 'economizer.yaml', directory: '/tmp' });
}

function faultsOf(text: string, environment: Record<string, string> = {}): readonly string[] {
  return read(text, environment).faults.map(faultText);
}

function configFrom(text: string | undefined, environment: Record<string, string> = {}) {
  const reading = read(text, environment);
  expect(reading.faults.map(faultText)).toEqual([]);
  return reading.config!;
}

describe('with no file', () => {
  it('has both public providers, whose callers bring their own credentials', () => {
    const config = configFrom(undefined);
    expect(config.providers.map(({ name, baseUrl, apiKey }) => [name, baseUrl, apiKey])).toEqual([
      ['openai', 'https://api.openai.com/v1', undefined],
      ['anthropic', 'https://api.anthropic.com', undefined],
    ]);
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8787 });
    expect(config.cache.memory).toEqual({ enabled: true, maxEntries: 1000, maxBytes: 100_000_000 });
    expect(config.cache.disk.path).toBe('/tmp/.economizer/cache.sqlite');
    expect(config.limits).toMatchObject({ bodyBytes: 67_108_864, connectMs: 10_000 });
  });

  it('passes over a base URL that points clients at the gateway itself', () => {
    const environment = {
      OPENAI_BASE_URL: 'http://127.0.0.1:8787/v1',
      ANTHROPIC_BASE_URL: 'http://localhost:8787',
      OPENAI_API_KEY: 'sk-1',
    };
    const urls = (text?: string) =>
      configFrom(text, environment).providers.map(({ baseUrl }) => baseUrl);
    expect(urls()).toEqual(['https://api.openai.com/v1', 'https://api.anthropic.com']);
    expect(urls('listen: { port: 9000 }')).toEqual([
      'http://127.0.0.1:8787/v1',
      'http://localhost:8787',
    ]);
  });

  it('takes the variables that the SDKs take', () => {
    const config = configFrom(undefined, {
      OPENAI_API_KEY: 'sk-one',
      OPENAI_BASE_URL: 'http://127.0.0.1:9/v1/',
      OPENAI_ORG_ID: 'org-1',
      OPENAI_PROJECT_ID: 'proj-1',
      ANTHROPIC_API_KEY: '',
      ECONOMIZER_DATA: '/tmp/elsewhere',
    });
    expect(config.providers[0]).toMatchObject({
      baseUrl: 'http://127.0.0.1:9/v1',
      apiKey: 'sk-one',
      headers: { 'openai-organization': 'org-1', 'openai-project': 'proj-1' },
      asksStreamUsage: true,
    });
    expect(config.providers[1]).toMatchObject({ apiKey: undefined, asksStreamUsage: false });
    expect(config.dataDirectory).toBe('/tmp/elsewhere');
  });

  it('takes the hash of the administrator’s key, and a short one is a fault that does not show it', () => {
    const key = 'a-key-that-is-long-enough';
    const { config } = readConfig({ text: '', environment: { ECONOMIZER_ADMIN_KEY: key } });
    expect(config?.access.adminSha256).toBe(createHash('sha256').update(key).digest('hex'));
    expect(JSON.stringify(config)).not.toContain(key);
    const short = readConfig({ text: '', environment: { ECONOMIZER_ADMIN_KEY: 'short-key' } });
    const [fault] = short.faults;
    expect(fault).toMatchObject({ path: 'access.admin_sha256', source: 'ECONOMIZER_ADMIN_KEY' });
    expect(JSON.stringify(short)).not.toContain('short-key');
  });

  it('names no organisation where callers bring their own keys', () => {
    expect(configFrom(undefined, { OPENAI_ORG_ID: 'org-1' }).providers[0]!.headers).toEqual({});
  });

  it('is frozen to the last leaf', () => {
    const config = configFrom(undefined);
    expect(Object.isFrozen(config.cache.memory)).toBe(true);
    expect(Object.isFrozen(config.providers[0])).toBe(true);
  });

  it('blames the variable for a bad value', () => {
    const reading = read(undefined, { OPENAI_BASE_URL: 'ftp://x' });
    expect(reading.faults[0]).toMatchObject({
      path: 'providers.openai.base_url',
      source: 'OPENAI_BASE_URL',
      line: undefined,
      value: '"ftp://x"',
    });
  });
});

describe('a file', () => {
  it('goes before the environment, setting by setting', () => {
    const config = configFrom('providers: { openai: { base_url: http://localhost:1/v1 } }', {
      OPENAI_API_KEY: 'sk-env',
      OPENAI_BASE_URL: 'http://not.here/v1',
    });
    expect(config.providers[0]).toMatchObject({
      baseUrl: 'http://localhost:1/v1',
      apiKey: 'sk-env',
    });
  });

  it('may be JSON, and may name settings without a value', () => {
    expect(configFrom('{"listen": {"port": 0}, "cache": null}').listen.port).toBe(0);
    expect(configFrom('').listen.port).toBe(8787);
    expect(configFrom('cache:\n').cache.enabled).toBe(true);
  });

  it('reads durations, sizes, and numbers and switches that come as text', () => {
    const text = [
      'cache: { ttl: 90m, memory: { max_bytes: 1.5MiB }, disk: { enabled: "${DISK}" } }',
      'listen: { port: "${PORT:-9000}" }',
      'limits: { total: 0, body_bytes: 2048 }',
    ].join('\n');
    const config = configFrom(text, { DISK: 'false' });
    expect(config.cache).toMatchObject({ ttlMs: 5_400_000, disk: { enabled: false } });
    expect(config.cache.memory.maxBytes).toBe(1_572_864);
    expect(config.listen.port).toBe(9000);
    expect(config.limits).toMatchObject({ totalMs: undefined, bodyBytes: 2048 });
  });

  it('leaves a dollar sign alone that is no variable', () => {
    const text =
      'providers: { a: { kind: openai, base_url: "http://a", headers: { x: "$5 $${A}" } } }';
    expect(configFrom(text).providers[0]!.headers).toEqual({ x: '$5 ${A}' });
  });

  it('forwards the callers’ credentials where it says so, whatever the environment holds', () => {
    const config = configFrom('providers: { openai: { credentials: caller } }', {
      OPENAI_API_KEY: 'sk-env',
    });
    expect(config.providers[0]!.apiKey).toBeUndefined();
  });

  it('reads gateway keys and prices', () => {
    const config = configFrom(`
listen: { host: 0.0.0.0 }
access: { keys: [{ id: a, sha256: ${digits.toUpperCase()}, tenant: t }] }
prices: [{ provider: groq, model: "llama-*", from: 2026-01-31, input: 0.05, output: 0.08 }]
`);
    expect(config.access.keys).toEqual([
      {
        id: 'a',
        sha256: digits,
        tenant: 't',
        team: undefined,
        agent: undefined,
        tags: [],
        models: undefined,
        providers: undefined,
        scopes: ['call', 'read'],
        expiresAt: undefined,
        overridable: false,
      },
    ]);
    expect(config.prices[0]).toMatchObject({ input: 0.05, from: Date.UTC(2026, 0, 31) });
  });
});

const provider = (rest: string): string => `providers: { groq: { kind: openai, ${rest} } }`;

describe('each fault is explained', () => {
  it.each([
    [
      'unknown setting',
      'cahce: {}',
      /^economizer.yaml:1:1 {2}cahce is not a setting; did you mean cache\?$/,
    ],
    [
      'unknown nested setting',
      'cache:\n  memory:\n    maxEntries: 3',
      /:3:5 {2}cache.memory.maxEntries is not a setting; did you mean max_entries\?/,
    ],
    ['setting far from any', 'log: { qqqqqqqq: 1 }', /known here are: level, format/],
    [
      'section of the wrong type',
      'cache: [1]',
      /cache must be a mapping of names to values; it is a list/,
    ],
    [
      'number out of range',
      'listen: { port: 70000 }',
      /:1:17 {2}listen.port must be a whole number from 0 to 65535; it is 70000/,
    ],
    ['number that is none', 'listen: { port: many }', /listen.port must be a whole number/],
    [
      'duration without unit',
      'cache: { ttl: 3600 }',
      /cache.ttl must be a duration with its unit.*; it is 3600/,
    ],
    ['duration that is none', 'limits: { connect: soon }', /limits.connect must be a duration/],
    ['negative duration', 'limits: { connect: -1s }', /limits.connect must be a duration/],
    [
      'size that is none',
      'cache: { memory: { max_bytes: lots } }',
      /must be a size such as 512KiB.*it is "lots"/,
    ],
    [
      'switch that is none',
      'cache: { enabled: 1 }',
      /cache.enabled must be true or false; it is 1/,
    ],
    [
      'word not in the list',
      'log: { level: loud }',
      /log.level must be one of: debug, info, warn, error, silent; it is "loud"/,
    ],
    [
      'missing base_url',
      'providers: { groq: { kind: openai } }',
      /providers.groq.base_url is missing; it must be text/,
    ],
    [
      'missing kind',
      'providers: { groq: { base_url: "http://x" } }',
      /providers.groq.kind is missing; it must be one of: openai, anthropic/,
    ],
    [
      'bad protocol',
      provider('base_url: "ftp://x"'),
      /base_url must be an http:\/\/ or https:\/\/ URL.*it is "ftp:\/\/x"/,
    ],
    ['URL with a user', provider('base_url: "http://user:hunter22@x"'), /base_url must be an http/],
    ['URL with a query', provider('base_url: "http://x?a=1"'), /base_url must be an http/],
    [
      'provider name',
      'providers: { Groq Cloud: { kind: openai, base_url: "http://x" } }',
      /providers.Groq Cloud must be a name of lower-case letters/,
    ],
    [
      'reserved provider name',
      'providers: { v1: { kind: openai, base_url: "http://x" } }',
      /must not be one of the gateway’s own paths/,
    ],
    [
      'gateway credentials without key',
      provider('base_url: "http://x", credentials: gateway'),
      /credentials is gateway, so api_key must be given/,
    ],
    [
      'estimate for anthropic',
      'providers: { anthropic: { stream_usage: estimate } }',
      /stream_usage must be ask for kind anthropic/,
    ],
    [
      'header name',
      provider('base_url: "http://x", headers: { "a b": c }'),
      /headers.a b is not a header name/,
    ],
    [
      'header value',
      provider('base_url: "http://x", headers: { a: "b\\nc" }'),
      /must be a single line.*\(hidden\)/,
    ],
    ['models not a list', provider('base_url: "http://x", models: llama'), /models must be a list/],
    [
      'unknown default provider',
      'default_providers: { openai: opnai }',
      /default_providers.openai must name one of the providers: did you mean openai\?/,
    ],
    [
      'default of the wrong kind',
      'default_providers: { openai: anthropic }',
      /must name a provider of kind openai; anthropic is of kind anthropic/,
    ],
    [
      'open to others without keys',
      'listen: { host: 0.0.0.0 }',
      /listen.host must be this machine itself.*it is "0.0.0.0"/,
    ],
    [
      'hash that is none',
      'access: { keys: [{ id: a, sha256: sk-oops-the-key }] }',
      /keys\[0\].sha256 must be the 64 hexadecimal digits.*it is \(hidden\)/,
    ],
    [
      'duplicate key id',
      `access: { keys: [{ id: a, sha256: ${digits} }, { id: a, sha256: ${'cd'.repeat(32)} }] }`,
      /keys\[1\].id must be different for each key/,
    ],
    [
      'duplicate key hash',
      `access: { keys: [{ id: a, sha256: ${digits} }, { id: b, sha256: ${digits} }] }`,
      /keys\[1\].sha256 must be different/,
    ],
    [
      'disk path that is a directory',
      'cache: { disk: { path: /tmp } }',
      /cache.disk.path must be a file; \/tmp is a directory/,
    ],
    [
      'disk path below a file',
      'cache: { disk: { path: /etc/passwd/x } }',
      /cache.disk.path must lie in a directory; \/etc\/passwd is a file/,
    ],
    [
      'data that is a file',
      'data: /etc/passwd',
      /data must be a directory; \/etc\/passwd is a file/,
    ],
    [
      'price that is none',
      'prices: [{ provider: a, model: b, input: cheap, output: 1 }]',
      /prices\[0\].input must be a number of US dollars from 0/,
    ],
    [
      'day that is none',
      'prices: [{ provider: a, model: b, input: 1, output: 1, from: yesterday }]',
      /prices\[0\].from must be a day/,
    ],
    [
      'variable not set',
      provider('base_url: "${NOWHERE}"'),
      /base_url needs the environment variable NOWHERE, which is not set.*it is "\$\{NOWHERE\}"/,
    ],
    ['variable not closed', 'data: "${OPEN"', /data must have its variables as/],
    [
      'setting named twice',
      'data: a\ndata: b',
      /^economizer.yaml:2:1 {2}\S+ is given twice; keep one$/,
    ],
    [
      'Anthropic’s base URL with a version',
      'providers: { a: { kind: anthropic, base_url: "https://x/v1/" } }',
      /providers.a.base_url must end without \/v1/,
    ],
    [
      'a provider that is the gateway itself',
      'listen: { port: 8080 }\nproviders: { openai: { base_url: "http://localhost:8080/v1" } }',
      /providers.openai.base_url must not be this gateway itself/,
    ],
    [
      'a price that ends before it begins',
      'prices: [{ model: b, input: 1, from: 2026-02-01, to: 2026-02-01 }]',
      /prices\[0\].to must be a later day than from \(2026-02-01\)/,
    ],
    [
      'a cache without levels',
      'cache: { memory: { enabled: false }, disk: { enabled: false } }',
      /cache.enabled must be false where all its levels are off/,
    ],
    [
      'a limit that another makes idle',
      'limits: { total: 5s, first_byte: 10s }',
      /limits.first_byte must not be longer than limits.total \(5s\)/,
    ],
    ['broken YAML', 'listen: [', /is not well-formed YAML/],
    [
      'not a mapping',
      'hello',
      /^economizer.yaml:1:1 {2}must be a mapping of names to values; it is "hello"/,
    ],
    ['too deep', `data: ${'['.repeat(40)}${']'.repeat(40)}`, /must not nest deeper/],
  ])('%s', (_name, text, expected) => {
    const faults = faultsOf(text);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(expected);
  });

  it('all at once, across sections', () => {
    const faults = faultsOf(`
listen: { host: 0.0.0.0, port: 8787 }
cache: { ttl: 5 }
providers:
  groq: { base_url: "\${GROQ_URL}", kind: opnai }
default_providers: { anthropic: nobody }
logs: {}
`);
    expect(faults.map((fault) => fault.split(' ')[2])).toEqual(
      ['providers.groq.base_url', 'cache.ttl', 'providers.groq.kind', 'logs', 'listen.host'].sort(
        (left, right) => faultOrder(faults, left) - faultOrder(faults, right),
      ),
    );
  });

  it('never shows a secret', () => {
    const text = `
providers:
  groq: { kind: openai, base_url: "https://me:hunter22@x/v1", api_key: "two words sk-1234567890" }
  oops: sk-1234567890
access: { keys: [{ id: 1, sha256: sk-1234567890 }] }
log: { level: sk-1234567890 }
`;
    const faults = faultsOf(text);
    expect(faults.length).toBeGreaterThan(4);
    expect(faults.join('\n')).not.toMatch(/hunter22|1234567890/);
  });
});

function faultOrder(faults: readonly string[], path: string): number {
  return faults.findIndex((fault) => fault.includes(` ${path} `));
}

describe('whatever the text', () => {
  const scalar = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('10s', '64MiB', '${HOME}', '${', '*a', '&a [*a]', '<<: *a', '__proto__'),
  );
  const name = fc.constantFrom(
    'listen',
    'cache',
    'providers',
    'openai',
    'access',
    'keys',
    'limits',
    '__proto__',
    'prices',
    'x',
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      scalar,
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(name, tie('node'), { maxKeys: 4 }),
    ),
  })).node;

  it('there is a configuration or there are faults, never an exception', () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      tree.map((value) => JSON.stringify(value)),
      fc
        .array(
          fc.constantFrom(
            'a: ',
            '- ',
            '\n',
            '  ',
            '&x ',
            '*x',
            '[',
            ']',
            '{',
            '}',
            '"',
            "'",
            '|',
            '!!set',
            '!!binary x',
            '? ',
            ': ',
            '---',
            '...',
            '%YAML 9',
            '\t',
            '#',
          ),
          { maxLength: 30 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        const reading = read(text);
        expect(reading.config === undefined).toBe(reading.faults.length > 0);
        for (const fault of reading.faults) expect(faultText(fault)).not.toBe('');
      }),
      { numRuns: 400 },
    );
  });
});
