import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isObject, parseJson, type JsonValue } from '../../kernel/json.ts';
import type { Untold } from './purge-queue.ts';

/** What edges must still be told of, by the name of each. */
export interface PurgeFile {
  /** Of this edge; undefined where that was kept and cannot be read. */
  untold(way: string): readonly Untold[] | undefined;
  /** @throws where the file cannot be written. */
  keep(way: string, untold: readonly Untold[]): void;
}

/** A file that outlives the process, so that a purge is not forgotten which an edge has not heard of. Small, and written whole. */
export function openPurgeFile(path: string): PurgeFile {
  const kept = read(path);
  const byWay = new Map<string, readonly Untold[]>(kept ?? []);
  return {
    untold: (way) => (kept === undefined ? undefined : (byWay.get(way) ?? [])),
    keep(way, untold) {
      if (untold.length === 0 && !byWay.has(way)) return;
      if (untold.length === 0) byWay.delete(way);
      else byWay.set(way, untold);
      writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(byWay)), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    },
  };
}

/** Undefined where it is damaged; empty where it is not there. */
function read(path: string): ReadonlyMap<string, readonly Untold[]> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? new Map() : undefined;
  }
  const value = parseJson(text);
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  return entries.every(([, list]) => isList(list))
    ? new Map(entries as unknown as [string, Untold[]][])
    : undefined;
}

function isList(value: JsonValue | undefined): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (each: JsonValue) =>
        Array.isArray(each) && typeof each[0] === 'string' && typeof each[1] === 'boolean',
    )
  );
}
