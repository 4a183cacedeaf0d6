import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A secret for an installation that keeps nothing. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The secret that makes this installation's cache keys its own; made at the first start. */
export function installationSecret(directory: string): string {
  const file = join(directory, 'secret');
  const known = secretIn(file);
  if (known !== undefined) return known;
  // Written whole under another name first: a start that is cut short leaves no half a secret.
  const draft = `${file}-${process.pid}`;
  writeFileSync(draft, newSecret(), { mode: 0o600 });
  try {
    // Of several processes that start at once, one puts its own in place and all read that.
    linkSync(draft, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    if (secretIn(file) === undefined) renameSync(draft, file);
  }
  rmSync(draft, { force: true });
  return secretIn(file) ?? newSecret();
}

/** Puts another secret in the place of this installation's own: the one that the gateways which share with it have. */
export function adoptSecret(directory: string, secret: string): void {
  const file = join(directory, 'secret');
  const draft = `${file}-${process.pid}`;
  writeFileSync(draft, secret, { mode: 0o600 });
  renameSync(draft, file);
}

function secretIn(file: string): string | undefined {
  try {
    const text = readFileSync(file, 'utf8').trim();
    return text === '' ? undefined : text;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    return undefined;
  }
}
