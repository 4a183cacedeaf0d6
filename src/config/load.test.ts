import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EconomizerError } from '../kernel/errors.ts';
import { secretsOf } from './secrets.ts';
import { configJsonSchema } from './json-schema.ts';
import { configOf, inspectConfig, loadConfig } from './load.ts';

const directory = mkdtempSync(join(tmpdir(), 'economizer-config-'));

describe('which file is read', () => {
  it('none where there is none', async () => {
    const loading = await inspectConfig({ environment: {}, directory });
    expect(loading).toMatchObject({ faults: [], fileName: undefined });
  });

  it('the one that the user names, else the variable, else economizer.yaml', async () => {
    for (const [file, port] of [
      ['economizer.yaml', 1],
      ['variable.yaml', 2],
      ['named.json', 3],
    ] as const) {
      writeFileSync(join(directory, file), JSON.stringify({ listen: { port } }));
    }
    const environment = { ECONOMIZER_CONFIG: 'variable.yaml' };
    expect((await loadConfig({ environment: {}, directory })).listen.port).toBe(1);
    expect((await loadConfig({ environment, directory })).listen.port).toBe(2);
    expect((await loadConfig({ environment, directory, file: 'named.json' })).listen.port).toBe(3);
  });

  it('a named one that is missing is a fault', async () => {
    const loading = await inspectConfig({ environment: {}, directory, file: 'gone.yaml' });
    expect(loading.faults[0]).toMatchObject({
      source: 'gone.yaml',
      problem: 'cannot be read: there is no such file',
    });
  });

  it('the example in the repository loads', async () => {
    const root = join(import.meta.dirname, '../..');
    const text = readFileSync(join(root, 'economizer.example.yaml'), 'utf8');
    const environment = Object.fromEntries(
      [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => [name!, 'sk-test']),
    );
    const file = join(root, 'economizer.example.yaml');
    expect((await loadConfig({ environment, directory, file })).providers.length).toBeGreaterThan(
      2,
    );
  });
});

it('throws one error that names every fault', async () => {
  writeFileSync(join(directory, 'bad.yaml'), 'listen: { port: x }\ncash: 1\n');
  const failure = await loadConfig({ environment: {}, directory, file: 'bad.yaml' }).catch(
    (error: unknown) => error,
  );
  expect(EconomizerError.is(failure) && failure.code).toBe('ECO_CONFIG');
  expect(String(failure)).toMatch(
    /it has 2 faults:\n {2}bad.yaml:1:17 {2}listen.port .*\n {2}bad.yaml:2:1 {2}cash /,
  );
});

it('reads values from a program', () => {
  const config = configOf({
    providers: { x: { kind: 'openai', base_url: 'http://x', api_key: 'sk-secret' } },
  });
  expect(secretsOf(config)).toEqual(['sk-secret']);
  expect(() => configOf({ listen: { port: -1 } })).toThrow(/listen.port/);
});

it('has a JSON Schema in which each setting says what it is', () => {
  const schema = configJsonSchema();
  expect(schema.properties?.['cache']?.properties?.['ttl']).toMatchObject({
    default: '1h',
    kind: 'duration',
  });
  expect(schema.additionalProperties).toBe(false);
});

it('a command that keeps nothing does not mind where nothing can be kept', async () => {
  writeFileSync(join(directory, 'taken'), '');
  const options = { environment: { ECONOMIZER_DATA: 'taken' }, directory };
  await expect(loadConfig(options)).rejects.toThrow('data must be a directory');
  const { dataDirectory } = await loadConfig({ ...options, keeps: false });
  expect(dataDirectory).toBe(join(directory, 'taken'));
});
