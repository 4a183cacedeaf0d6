import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

/**
 * Lets all other threads of the machine go before the calling one, where the system knows priorities of threads (Linux). Work that no
 * caller waits for must not take the processor from calls: with both on one core, this is the difference of milliseconds in the slowest
 * hundredth of answers. Called in a worker, once, at its start.
 */
export function goBehindOthers(): void {
  try {
    // "PID/task/TID": on Linux a thread is what a process is elsewhere, and has a priority of its own.
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Elsewhere there is no such thing; the worker does its work all the same.
  }
}
