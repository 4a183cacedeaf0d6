import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EconomizerError } from '../kernel/errors.ts';
import { keysCommand } from './keys.ts';

let directory = '';
let output = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'economizer-keys-'));
  const file = { data: directory, access: { keys: [{ id: 'file', sha256: '0'.repeat(64) }] } };
  writeFileSync(join(directory, 'economizer.yaml'), JSON.stringify(file));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true, force: true });
});

async function run(...words: string[]): Promise<string> {
  output = '';
  const [name = '', ...rest] = words;
  const config = join(directory, 'economizer.yaml');
  await keysCommand().parseAsync([name, ...rest, '--config', config], { from: 'user' });
  return output;
}

interface Shown {
  readonly secret: string;
  readonly key: { readonly id: string; readonly state: string; readonly secrets: unknown[] };
  readonly keys: readonly {
    readonly id: string;
    readonly state: string;
    readonly source: string;
  }[];
}

const json = async (...words: string[]): Promise<Shown> =>
  JSON.parse(await run(...words, '--json')) as Shown;

const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'fine',
    (error: unknown) => EconomizerError.from(error).code,
  );

describe('economizer keys', () => {
  it('makes, lists, rotates and revokes, and shows a key once', async () => {
    const made = await json(
      'create',
      'ci',
      '--tenant',
      'red',
      '--tag',
      'a',
      'b',
      '--expires',
      '1d',
    );
    expect(made.secret).toMatch(/^eco-[\w-]{43}$/);
    expect(made.key).toMatchObject({ tenant: 'red', tags: ['a', 'b'], state: 'active' });
    const rotated = await json('rotate', 'ci', '--grace', '1h');
    expect(rotated.key.secrets).toHaveLength(2);
    const listed = await run('list');
    for (const { secret } of [made, rotated]) {
      expect(listed).toContain(`${secret.slice(0, 8)}…${secret.slice(-4)}`);
      expect(listed).not.toContain(secret.slice(4, -4));
    }
    expect(await run('revoke', 'ci')).toContain('revoked');
    const { keys } = await json('list');
    expect(keys.map(({ id, state, source }) => [id, state, source])).toEqual([
      ['file', 'active', 'configuration'],
      ['ci', 'revoked', 'store'],
    ]);
    expect((await json('list', '--tenant', 'red')).keys).toHaveLength(1);
  });

  it('prints the key on a line of its own, so that a script can take it', async () => {
    const [first] = (await run('create')).split('\n');
    expect(first).toMatch(/^eco-[\w-]{43}$/);
  });

  it.each<[string, readonly string[], string]>([
    ['a name that is taken', ['create', 'ci'], 'ECO_KEY_TAKEN'],
    ['a name that the configuration has', ['create', 'file'], 'ECO_BAD_KEY'],
    ['a name that cannot be', ['create', 'a b'], 'ECO_BAD_KEY'],
    ['a provider that there is not', ['create', '--provider', 'opnai'], 'ECO_BAD_KEY'],
    ['an end in the past', ['create', '--expires', '2020-01-01'], 'ECO_BAD_KEY'],
    ['a key that there is not', ['revoke', 'nope'], 'ECO_NO_KEY'],
    ['a key of several tenants', ['rotate', 'two'], 'ECO_BAD_KEY'],
  ])('refuses %s', async (_name, words, code) => {
    await run('create', 'ci');
    await run('create', 'two');
    await run('create', 'two', '--tenant', 'red');
    expect(await codeOf(run(...words))).toBe(code);
    expect(await codeOf(run('rotate', 'two', '--tenant', 'red'))).toBe('fine');
  });
});
