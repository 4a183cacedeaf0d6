import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installationSecret } from './installation-secret.ts';

const folder = (): string => mkdtempSync(join(tmpdir(), 'economizer-secret-'));

it('is made once and stays, for its owner alone', () => {
  const directory = folder();
  const secret = installationSecret(directory);
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(installationSecret(directory)).toBe(secret);
  expect(readdirSync(directory)).toEqual(['secret']);
  expect(statSync(join(directory, 'secret')).mode & 0o777).toBe(0o600);
  expect(installationSecret(folder())).not.toBe(secret);
});

it('is made anew where a start that was cut short left an empty file', () => {
  const directory = folder();
  writeFileSync(join(directory, 'secret'), '');
  const secret = installationSecret(directory);
  expect(secret).toHaveLength(43);
  expect(readFileSync(join(directory, 'secret'), 'utf8')).toBe(secret);
});
