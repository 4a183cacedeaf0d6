import type { RedisClientType } from '@redis/client';
import { redisFault, type RedisNode } from './redis.ts';

export interface SentinelOptions {
  readonly name: string;
  readonly nodes: readonly RedisNode[];
  /** A client for a sentinel, not connected yet, that gives up after `connectMs`. */
  readonly open: (sentinel: RedisNode) => RedisClientType;
}

/** How long one sentinel is waited for before the next is asked, in milliseconds. */
const patienceMs = 500;

/** Asks sentinels where the master is; the last that answered first, those that did not last. */
export function sentinelFinder(options: SentinelOptions): () => Promise<RedisNode> {
  const { name, open } = options;
  const nodes = [...options.nodes];
  return async () => {
    let lastError: unknown;
    for (let asked = 0; asked < nodes.length; asked++) {
      try {
        return await masterOf(name, open(nodes[0]!));
      } catch (error) {
        lastError = error;
        nodes.push(nodes.shift()!);
      }
    }
    throw redisFault(`No sentinel says where the master "${name}" is.`, lastError);
  };
}

/** @throws where the server is not the master, or not any more: what a sentinel says may be old. */
export async function checkIsMaster(client: RedisClientType): Promise<void> {
  const reply: unknown = await client.sendCommand(['ROLE']);
  const role = Array.isArray(reply) ? String(reply[0]) : 'unknown';
  if (role !== 'master')
    throw redisFault(`The server that a sentinel named is no master: ${role}.`);
}

async function masterOf(name: string, client: RedisClientType): Promise<RedisNode> {
  client.on('error', () => {}); // `connect` and `sendCommand` reject with it
  const timer = setTimeout(() => client.destroy(), patienceMs);
  timer.unref();
  try {
    await client.connect();
    const reply: unknown = await client.sendCommand(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name]);
    if (!Array.isArray(reply) || reply.length < 2) {
      throw redisFault(`The sentinel knows no master "${name}".`);
    }
    return { host: String(reply[0]), port: Number(reply[1]) };
  } finally {
    clearTimeout(timer);
    client.destroy();
  }
}
