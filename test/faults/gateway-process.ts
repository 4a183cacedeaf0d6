import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';

const program = new URL('../../src/cli/economizer.ts', import.meta.url).pathname;

/** `economizer serve` as its users start it, in a process of its own. */
export interface GatewayProcess {
  readonly url: string;
  readonly data: string;
  /** `kill -9`. */
  kill(): Promise<void>;
  /** Starts it again, on the same data and on a port of its own. */
  restart(): Promise<void>;
  /** As an operator stops it. */
  stop(): Promise<void>;
}

/** @param name tells processes on the same data apart. */
export async function startGatewayProcess(
  data: string,
  config: ConfigFile,
  name = 'gateway',
): Promise<GatewayProcess> {
  mkdirSync(data, { recursive: true });
  const file = join(data, `${name}.json`);
  writeFileSync(file, JSON.stringify({ data, listen: { port: 0 }, ...config }));
  let child: ChildProcess;
  let url = '';
  const start = async (): Promise<void> => {
    const words = [program, 'serve', '--config', file, '--json'];
    child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    ({ url } = JSON.parse(line.toString()) as { url: string });
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  onTestFinished(() => end('SIGKILL'));
  await start();
  return {
    data,
    get url() {
      return url;
    },
    kill: () => end('SIGKILL'),
    restart: start,
    stop: () => end('SIGTERM'),
  };
}

/** A call as a ledger has it. */
export interface BookedCall {
  readonly id: string;
  /** What budgets were charged, nano-dollars. */
  readonly charged: number;
  readonly outcome: string;
}

/** The rows of a ledger whose processes have ended. */
export function bookedCalls(data: string): readonly BookedCall[] {
  const ledger = new DatabaseSync(join(data, 'ledger.sqlite'), { readOnly: true });
  try {
    const rows = ledger
      .prepare(
        'SELECT id, COALESCE(charged_nanos, cost_nanos, 0) AS charged, outcome FROM calls ORDER BY id',
      )
      .all();
    return rows.map(({ id, charged, outcome }) => ({
      id: String(id),
      charged: Number(charged),
      outcome: String(outcome),
    }));
  } finally {
    ledger.close();
  }
}
