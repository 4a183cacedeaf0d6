import { existsSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** A lock that lasts as long as its process, however that ends. */
export interface OwnerLock {
  /** Lets go and removes the file. */
  release(): void;
}

/**
 * Takes the lock of a file that nobody else knows yet. SQLite's file locks are the operating system's own: the kernel takes them back when
 * the process dies, and they tell apart processes with the same number in two containers, which a file with a number in it does not.
 */
export function takeLock(path: string): OwnerLock {
  const holder = lockedDatabase(path);
  return {
    release() {
      holder.close();
      rmSync(path, { force: true });
    },
  };
}

/** Whether the process that took this lock is still alive. Removes the file of one that is not. */
export function isHeld(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    lockedDatabase(path).close();
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  }
  rmSync(path, { force: true });
  return false;
}

function lockedDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  const busy = 5; // SQLITE_BUSY
  return (error as { readonly errcode?: unknown }).errcode === busy;
}
