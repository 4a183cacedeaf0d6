import { describe, expect, it } from 'vitest';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { referencePages } from '../../scripts/reference.ts';
import { read, root } from './repository.ts';

describe('the documentation', () => {
  it.each(Object.entries(referencePages()))(
    '%s is fresh (else: npm run reference)',
    (path, text) => {
      expect(read(path)).toBe(text);
    },
  );

  it('has a README of one screenful of thought, which begins with the two commands', () => {
    const readme = read('README.md');
    expect(readme.split('\n').length).toBeLessThanOrEqual(150);
    const commands = [...readme.matchAll(/^(npm .*)$/gm)].map(([, command]) =>
      command!.replace(/\s+#.*/, ''),
    );
    expect(commands.slice(0, 2)).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
  });

  it('links only to what is there', () => {
    const pages = [
      'README.md',
      'ARCHITECTURE.md',
      'CONTRIBUTING.md',
      'docs/guide/getting-started.md',
      'docs/guide/budgets.md',
      'docs/guide/caching.md',
      'docs/guide/keys.md',
      'docs/reference/headers.md',
      'docs/reference/cli.md',
      'docs/reference/admin.md',
      'docs/guide/ledger.md',
      'docs/guide/fitting.md',
      'docs/guide/prompt-cache.md',
      'docs/guide/tools.md',
    ];
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)]
        .map(([, link]) => join(dirname(page), link!))
        .filter((link) => !existsSync(join(root, link))),
    );
    expect(broken).toEqual([]);
  });
});
