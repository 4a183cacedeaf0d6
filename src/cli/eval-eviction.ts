import { Command, InvalidArgumentError } from 'commander';
import {
  Evaluation,
  type EvictionResult,
  type Ratios,
} from '../cache/eviction/trace/evaluation.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { linesOf } from '../replay/lines.ts';
import { evictionText } from './eval-eviction-table.ts';
import { print, printJson } from './output.ts';
import { startProgress } from './progress.ts';
import { readRequest } from './read-request.ts';

interface Flags {
  readonly capacity: number;
  readonly bytes?: boolean;
  readonly json?: boolean;
}

/** `economizer eval eviction` */
export function evalEvictionCommand(): Command {
  return new Command('eviction')
    .description(
      'How much of recorded requests the memory cache would answer, beside LRU and the best possible.',
    )
    .argument('<file...>', 'requests in order, one a line, plain, .gz or .zst; - is standard input')
    .requiredOption(
      '--capacity <n>',
      'entries that the cache holds; bytes with --bytes',
      capacityOf,
    )
    .option('--bytes', 'count the capacity in bytes')
    .option('--json', 'print one JSON object')
    .addHelpText('after', form)
    .action(async (files: string[], { capacity, bytes = false, json }: Flags) => {
      const result = await evictionOf(files, capacity, bytes);
      if (json === true) printJson(evictionReport(result));
      else print(evictionText(result, capacity));
    });
}

const form = `
Each line is "key [bytes [dollars]]": what is asked for, its size, and what one hit saves. A request that misses puts its key in.
Without --bytes all entries are alike and only the keys count; "belady" is then the best that is possible. With --bytes, entries are weighed by
dollars a byte (a hit is a hit where no dollars are given), ratios are given of requests, of bytes and of dollars, and "belady" is a bound that nothing
can pass: the best itself cannot be computed where sizes differ.`;

/** Runs the requests of `files` through caches of `capacity` entries, or bytes. */
export async function evictionOf(
  files: readonly string[],
  capacity: number,
  isByBytes: boolean,
): Promise<EvictionResult> {
  const evaluation = new Evaluation(capacity, isByBytes);
  const progress = startProgress('requests');
  try {
    for (const file of files) {
      for await (const line of linesOf(file, process.stdin)) {
        const { key, bytes, dollars } = readRequest(line, isByBytes);
        evaluation.add(key, bytes, dollars);
        if ((evaluation.requests & 1023) === 0) {
          progress.show(evaluation.requests, evaluation.requests);
        }
      }
    }
  } finally {
    progress.stop();
  }
  if (evaluation.requests > 0) return evaluation.result();
  throw new EconomizerError(
    'ECO_FILE',
    `There is no request in ${files.join(', ')}; each line needs "key [bytes [dollars]]".`,
  );
}

/** What `eval eviction --json` prints. The first four names are a contract. */
export function evictionReport({
  requests,
  uniqueKeys,
  hits,
  bytes,
  worth,
}: EvictionResult): object {
  return {
    requests,
    ...rounded(hits),
    unique_keys: uniqueKeys,
    ratios_are_of: 'requests',
    belady_is: bytes === undefined ? 'optimum' : 'upper bound',
    ...(bytes && { of_bytes: rounded(bytes) }),
    ...(worth && { of_dollars: rounded(worth) }),
  };
}

function rounded({ ours, lru, belady }: Ratios): Ratios {
  const round = (ratio: number) => Math.round(ratio * 1e6) / 1e6;
  return { ours: round(ours), lru: round(lru), belady: round(belady) };
}

function capacityOf(text: string): number {
  const capacity = Number(text);
  if (Number.isSafeInteger(capacity) && capacity > 0) return capacity;
  throw new InvalidArgumentError('It must be a whole number of entries or bytes, at least 1.');
}
