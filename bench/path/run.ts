/**
 * `npm run bench:path`: CPU of the path of a call in the main thread, from the door to the answer, against a provider in the same process:
 * no sockets. Each house is a process of its own, and they take turns.
 *   --against DIRECTORY   another checkout of this repository, measured beside this one with nothing configured
 *   --rounds N            rounds a cell (9), after two that warm up; the median is printed
 *   --only NAMES          houses, with commas between     --cell TEXT   cells whose name has TEXT
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    against: { type: 'string' },
    rounds: { type: 'string', default: '9' },
    only: { type: 'string' },
    cell: { type: 'string', default: '' },
  },
});
const here = join(import.meta.dirname, '../..');
const houses = [
  ...(values.against === undefined
    ? []
    : [{ name: 'before', root: values.against, set: 'nothing' }]),
  ...['nothing', 'keys', 'memory', 'sqlite'].map((set) => ({ name: set, root: here, set })),
].filter(({ name }) => values.only === undefined || values.only.split(',').includes(name));
const cells = [
  { name: 'never seen, 2 KB', traffic: 'unseen', bytes: 2000, calls: 2400 },
  { name: 'hit, 2 KB', traffic: 'repeat', bytes: 2000, calls: 4000 },
  { name: 'next turn, 200 KB', traffic: 'next-turn', bytes: 200_000, calls: 640 },
].filter(({ name }) => name.includes(values.cell));
const warmRounds = 2;

const processes = new Map<string, ChildProcess>();
for (const { name, root, set } of houses) {
  const child = fork(join(import.meta.dirname, 'worker.ts'), [root, set]);
  await once(child, 'message');
  child.once('exit', (code) => {
    if (code !== 0) process.exit(1);
  });
  processes.set(name, child);
}

async function ask(child: ChildProcess, cell: object): Promise<number> {
  child.send(cell);
  const [cost] = (await once(child, 'message')) as [number];
  return cost;
}

const median = (list: readonly number[]): number =>
  list.toSorted((one, other) => one - other)[list.length >> 1]!;

const names = [...processes.keys()];
console.log('CPU microseconds a call, main thread; medians\n');
console.log(''.padEnd(20) + names.map((name) => name.padStart(10)).join(''));
for (const cell of cells) {
  const costs = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = -warmRounds; round < Number(values.rounds); round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const cost = await ask(processes.get(name)!, cell);
      if (round >= 0) costs.get(name)!.push(cost);
    }
  }
  const figures = [...costs.values()].map((list) => median(list).toFixed(1).padStart(10));
  console.log(cell.name.padEnd(20) + figures.join(''));
}
for (const child of processes.values()) child.send('end');
