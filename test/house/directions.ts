import { posix } from 'node:path';
import type { ParsedFile } from './parsed-file.ts';

const domain = ['access', 'budget', 'cache', 'context', 'ledger', 'upstream'];
const belowEdges = ['kernel', 'exchange', ...domain, 'pipeline'];

/** Which rooms each room may import from, besides itself. Composition roots may import from all. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  exchange: ['kernel'],
  services: ['kernel'],
  access: ['kernel', 'exchange'],
  budget: ['kernel', 'exchange', 'services'],
  cache: ['kernel', 'exchange', 'services'],
  context: ['kernel', 'exchange'],
  ledger: ['kernel', 'exchange'],
  upstream: ['kernel', 'exchange'],
  pipeline: ['kernel', 'exchange', ...domain],
  gateway: belowEdges,
  replay: belowEdges,
  mcp: ['kernel', 'exchange', 'cache'],
  demo: [...belowEdges, 'gateway', 'replay', 'testing'],
  testing: ['kernel', 'exchange', 'replay'],
  telemetry: ['kernel', 'exchange'],
  config: ['kernel'],
};

const roots = new Set(['main.ts', 'index.ts', 'testing.ts', 'assembly', 'cli']);

/** Clients that only one room knows, so that they can be replaced there. */
const guests: Readonly<Record<string, readonly string[]>> = {
  undici: ['upstream'],
  'node:http': ['gateway', 'mcp', 'testing'],
  'node:https': ['gateway', 'testing'],
  'node:http2': ['gateway', 'testing'],
  commander: ['cli'],
  minisearch: ['context'],
  '@redis/client': ['services'],
  pg: ['services'],
  '@modelcontextprotocol/sdk': ['mcp'],
  yaml: ['config'],
  zod: ['config'],
};

/** The room of a source file; the file's own name where it stands at the top. */
export function roomOf(path: string): string {
  return path.split('/')[1]!;
}

/** The path of a file of ours that `file` imports, or undefined for packages. */
export function resolveImport(file: ParsedFile, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.normalize(posix.join(posix.dirname(file.path), specifier));
}

/** Imports against the direction, of types too. */
export function wrongDirections(files: readonly ParsedFile[]): readonly string[] {
  return files.flatMap((file) => {
    const room = roomOf(file.path);
    return file.imports.flatMap((specifier) => {
      const target = resolveImport(file, specifier);
      if (target === undefined) return guestFault(file, specifier);
      if (!target.startsWith('src/')) {
        return target === 'package.json' ? [] : [`${file.path} imports ${target}, outside src`];
      }
      const other = roomOf(target);
      if (other === room || roots.has(room)) return [];
      if (allowed[room] === undefined)
        return [`${file.path}: the room ${room} has no direction yet`];
      return allowed[room].includes(other)
        ? []
        : [`${file.path} imports ${target}: ${room} may not know ${other}`];
    });
  });
}

function guestFault(file: ParsedFile, specifier: string): readonly string[] {
  const rooms = guests[specifier];
  if (rooms === undefined || rooms.includes(roomOf(file.path))) return [];
  return [`${file.path} imports ${specifier}: only ${rooms.join(', ')} may`];
}

/** Circles of imports, each named once. */
export function importCycles(files: readonly ParsedFile[]): readonly string[] {
  const graph = new Map(
    files.map((file) => [
      file.path,
      file.imports.flatMap((specifier) => resolveImport(file, specifier) ?? []),
    ]),
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.add([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return [...cycles];
}
