import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Why nothing can be kept at `place` (an absolute path that need not exist yet), or undefined if it can. Looks only;
 * nothing is made, so that `economizer check` leaves no trace.
 */
export function placeProblem(place: string, wanted: 'file' | 'directory'): string | undefined {
  const found = kindOf(place);
  if (found !== undefined && found !== wanted) {
    return `must be a ${wanted}; ${place} is a ${found}`;
  }
  let existing = place;
  while (kindOf(existing) === undefined && dirname(existing) !== existing) {
    existing = dirname(existing);
  }
  if (existing !== place && kindOf(existing) === 'file') {
    return `must lie in a directory; ${existing} is a file`;
  }
  try {
    accessSync(existing, constants.W_OK);
    return undefined;
  } catch {
    return `must be writable; ${existing} is not`;
  }
}

function kindOf(place: string): 'file' | 'directory' | undefined {
  try {
    const found = statSync(place, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    return found.isDirectory() ? 'directory' : 'file';
  } catch {
    // A path through a file, or through a directory that we may not enter: what lies there is as good as missing.
    return undefined;
  }
}

/** Why a file that must be there cannot be read, or undefined if it can. */
export function unreadableFile(path: string): string | undefined {
  const found = kindOf(path);
  if (found === undefined) return `must be a file that is there; ${path} is not`;
  if (found === 'directory') return `must be a file; ${path} is a directory`;
  try {
    accessSync(path, constants.R_OK);
    return undefined;
  } catch {
    return `must be readable; ${path} is not`;
  }
}
