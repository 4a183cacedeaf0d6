import type { Traffic } from './bodies.ts';

export type TargetName =
  | 'mock'
  | 'floor'
  | 'echo'
  | 'hash'
  | 'ours'
  | 'ours-l3'
  | 'memory-1' // one budget, counted in memory
  | 'sqlite-1' // one budget, counted in SQLite
  | 'sqlite-5' // five of them
  | 'portkey';

/** One comparison: the same load on several servers in turn. */
export interface Cell {
  readonly name: string;
  readonly traffic: Traffic;
  readonly bytes: number;
  readonly streams: boolean;
  readonly connections: number;
  readonly targets: readonly TargetName[];
  /** Whose CPU time is one. */
  readonly against: TargetName;
}

const sizes = [2, 20, 200];
const connections = [1, 16, 64];

function misses(): Cell[] {
  return connections.flatMap((count) =>
    sizes.flatMap((kilobytes) =>
      (['next-turn', 'unseen'] as const).map((traffic) => ({
        name: `miss, plain, ${kilobytes} KB, ${traffic}, c=${count}`,
        traffic,
        bytes: kilobytes * 1000,
        streams: false,
        connections: count,
        targets: ['floor', 'ours', ...(traffic === 'unseen' ? [] : ['portkey' as const])],
        against: 'floor' as const,
      })),
    ),
  );
}

function streams(): Cell[] {
  return connections.flatMap((count) =>
    sizes.map((kilobytes) => ({
      name: `miss, stream of 50 chunks, ${kilobytes} KB, next-turn, c=${count}`,
      traffic: 'next-turn' as const,
      bytes: kilobytes * 1000,
      streams: true,
      connections: count,
      targets: ['floor', 'ours', 'portkey'],
      against: 'floor' as const,
    })),
  );
}

function hits(): Cell[] {
  return connections.flatMap((count) =>
    sizes.map((kilobytes) => ({
      name: `hit, plain, ${kilobytes} KB, c=${count}`,
      traffic: 'repeat' as const,
      bytes: kilobytes * 1000,
      streams: false,
      connections: count,
      targets: ['hash', 'echo', 'ours', 'ours-l3'],
      against: 'hash' as const,
    })),
  );
}

/** What the walls of budgets cost a call. */
function budgets(): Cell[] {
  return [1, 16].flatMap((count) =>
    [false, true].map((streams) => ({
      name: `budgets, ${streams ? 'stream of 50 chunks' : 'plain'}, 2 KB, next-turn, c=${count}`,
      traffic: 'next-turn' as const,
      bytes: 2000,
      streams,
      connections: count,
      targets: ['ours', 'memory-1', 'sqlite-1', 'sqlite-5'],
      against: 'ours' as const,
    })),
  );
}

export const cells: readonly Cell[] = [...misses(), ...streams(), ...hits(), ...budgets()];
