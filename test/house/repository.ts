import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFile, type ParsedFile } from './parsed-file.ts';

export const root = join(import.meta.dirname, '../..');

/** The text of a file of the repository. */
export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Paths of the TypeScript files below a folder, from the root of the repository. */
export function typescriptBelow(folder: string): readonly string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .map((path) => join(folder, path).replaceAll('\\', '/'));
}

/** The parsed sources of the product, without their tests. */
export function productSources(): readonly ParsedFile[] {
  return typescriptBelow('src')
    .filter((path) => !path.endsWith('.test.ts'))
    .map((path) => parseFile(path, read(path)));
}
