import { randomBytes } from 'node:crypto';

const prefix = randomBytes(6).toString('hex');
let counter = 0;
let lastMs = 0;
let lastMsText = '';

/**
 * A new id: sorts by time of making, unique across processes (48 random bits a process) and cheap (no system call).
 * @param nowMs wall time in milliseconds since the epoch.
 */
export function newId(nowMs: number): string {
  counter = (counter + 1) % 0x1000000;
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastMsText = nowMs.toString(16).padStart(12, '0');
  }
  return `${lastMsText}-${prefix}-${(counter + 0x1000000).toString(16).slice(1)}`;
}
