import type { ServerResponse } from 'node:http';
import type { Clock } from '../kernel/clock.ts';
import type { FakePlan } from './fake-plan.ts';

/** Carries a plan out. Stops where the client leaves. */
export async function carryOut(
  plan: FakePlan,
  response: ServerResponse,
  clock: Clock,
): Promise<void> {
  if (plan.firstByteMs > 0) await pause(plan.firstByteMs, response, clock);
  if (response.destroyed) return;
  if (plan.status === 0) {
    response.socket?.resetAndDestroy();
    return;
  }
  const [first, ...rest] = plan.chunks;
  response.writeHead(plan.status, [...plan.headers, ...lengthOf(plan)]);
  if (first === undefined) response.flushHeaders();
  else response.write(first);
  for (const chunk of rest) {
    if (plan.gapMs > 0) await pause(plan.gapMs, response, clock);
    if (response.destroyed) return;
    if (!response.write(chunk)) await drained(response);
  }
  finish(plan, response);
}

/** A plain answer tells its length, truly or not; a stream does not. */
function lengthOf({ chunks, headers, lengthLie, ending }: FakePlan): string[] {
  const isStream = headers.includes('text/event-stream; charset=utf-8');
  if (isStream && lengthLie === 0) return ['transfer-encoding', 'chunked'];
  const written = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  // An answer that is to break off promises a byte that never comes.
  const missing = ending === 'end' ? 0 : 1;
  return ['content-length', String(Math.max(0, written + lengthLie + missing))];
}

function finish({ ending, lengthLie }: FakePlan, response: ServerResponse): void {
  if (ending === 'silence') return;
  if (ending === 'end' && lengthLie <= 0) {
    response.end();
    return;
  }
  // What was written must leave before the connection breaks, or the client would not see the beginning.
  const { socket } = response;
  setImmediate(() => {
    if (ending === 'reset') socket?.resetAndDestroy();
    else socket?.end();
  });
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.once('drain', go);
    response.once('close', go);
  });
}

function pause(ms: number, response: ServerResponse, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const callOff = clock.after(ms, () => {
      response.off('close', leave);
      resolve();
    });
    const leave = (): void => {
      callOff();
      resolve();
    };
    response.once('close', leave);
  });
}
