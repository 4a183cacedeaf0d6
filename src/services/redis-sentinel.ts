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

/** Asks sentinels, the last that answered first, where the master is. */
export function sentinelFinder(options: SentinelOptions): () => Promise<RedisNode> {
  const { name, open } = options;
  const nodes = [...options.nodes];
  return async () => {
    let lastError: unknown;
    for (const [index, node] of nodes.entries()) {
      try {
        const master = await masterOf(name, open(node));
        nodes.unshift(...nodes.splice(index, 1));
        return master;
      } catch (error) {
        lastError = error;
      }
    }
    throw redisFault(`No sentinel says where the master "${name}" is.`, lastError);
  };
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
