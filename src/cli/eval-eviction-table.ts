import Table from 'cli-table3';
import type { EvictionResult } from '../cache/eviction/trace/evaluation.ts';

/** Hit ratios for people: ours, LRU, and what cannot be passed. */
export function evictionText(result: EvictionResult, capacity: number): string {
  const { requests, uniqueKeys, hits, bytes, worth } = result;
  const kinds = [
    ['requests', hits] as const,
    ...(bytes === undefined ? [] : [['bytes', bytes] as const]),
    ...(worth === undefined ? [] : [['dollars', worth] as const]),
  ];
  const best = bytes === undefined ? 'best possible (Belady)' : 'bound that nothing passes';
  const table = new Table({
    head: ['from the cache', ...kinds.map(([kind]) => `of ${kind}`)],
    colAligns: ['left', ...kinds.map(() => 'right' as const)],
    style: { head: [], border: [] },
  });
  const names = { ours: 'economizer', lru: 'LRU', belady: best };
  for (const policy of ['ours', 'lru', 'belady'] as const) {
    table.push([
      names[policy],
      ...kinds.map(([, ratios]) => `${(100 * ratios[policy]).toFixed(2)} %`),
    ]);
  }
  const count = (value: number) => value.toLocaleString('en-US');
  const unit = bytes === undefined ? 'entries' : 'bytes';
  const title = `${count(requests)} requests for ${count(uniqueKeys)} keys, with room for ${count(capacity)} ${unit}.`;
  return [title, '', table.toString()].join('\n');
}
