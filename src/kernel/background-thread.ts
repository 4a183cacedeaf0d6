import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const { PRIORITY_BELOW_NORMAL, PRIORITY_LOW } = constants.priority;

/**
 * Lets other threads go before the calling one, where the system knows priorities of threads (Linux): on a core that is never idle,
 * `behind` leaves it about a tenth of the time and `far-behind` a hundredth. Work that no caller waits for must not take the processor
 * from calls: with both on one core, this is the difference of milliseconds in the slowest hundredth of answers. Called once in a worker.
 */
export function goBehindOthers(how: 'behind' | 'far-behind'): void {
  try {
    // "PID/task/TID": on Linux a thread is what a process is elsewhere, and has a priority of its own.
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    setPriority(thread, how === 'behind' ? PRIORITY_BELOW_NORMAL : PRIORITY_LOW);
  } catch {
    // Elsewhere there is no such thing; the worker does its work all the same.
  }
}

const nobody = new Int32Array(new SharedArrayBuffer(4));

/**
 * Gives the processor away for a moment. The system lets a thread run for some milliseconds before it looks who else wants to: long work
 * in short steps with this between them holds nobody up for longer than a step. Only for workers.
 */
export function pauseForOthers(): void {
  Atomics.wait(nobody, 0, 0, 1);
}
