/** What came of one run. Money as a part of the limit that counts for all calls. */
export interface SimResult {
  readonly calls: number;
  readonly refused: number;
  /** Of the account that is worst off, by the provider's own count: 0, or how far beyond its limit. */
  readonly overshoot: number;
  /** Answers of the store in which an account was beyond its limit. */
  readonly passed: number;
  /** Of the limit, what the store counts as spent after the rush: the part of the budget that could be used. */
  readonly counted: number;
  /** Of the limit, what the provider billed; less than was counted where calls died with their gateway. */
  readonly billed: number;
  /** Still held when all is over. */
  readonly leaked: number;
  /** The store's count is the sum of all charges, to the nano-dollar. */
  readonly isExact: boolean;
}

/** A row of the table: one way, over all seeds. */
export interface SimSummary {
  readonly way: string;
  readonly seeds: number;
  readonly overshootSeeds: number;
  readonly worstOvershoot: number;
  readonly leastCounted: number;
  readonly meanBilled: number;
  readonly leakedSeeds: number;
  readonly inexactSeeds: number;
}

export function summaryOf(way: string, results: readonly SimResult[]): SimSummary {
  return {
    way,
    seeds: results.length,
    overshootSeeds: results.filter(({ overshoot }) => overshoot > 0).length,
    worstOvershoot: Math.max(...results.map(({ overshoot }) => overshoot)),
    leastCounted: Math.min(...results.map(({ counted }) => counted)),
    meanBilled: results.reduce((sum, { billed }) => sum + billed, 0) / results.length,
    leakedSeeds: results.filter(({ leaked }) => leaked !== 0).length,
    inexactSeeds: results.filter(({ isExact }) => !isExact).length,
  };
}

const columns = [
  'seeds',
  'seeds over',
  'worst over',
  'least used',
  'mean billed',
  'leaks',
  'inexact',
];

export function tableOf(summaries: readonly SimSummary[]): string {
  const rows = summaries.map((each) => [
    each.way,
    String(each.seeds),
    String(each.overshootSeeds),
    percent(each.worstOvershoot),
    percent(each.leastCounted),
    percent(each.meanBilled),
    String(each.leakedSeeds),
    String(each.inexactSeeds),
  ]);
  const lines = [['', ...columns], ...rows];
  return lines
    .map(([name, ...cells]) => name!.padEnd(34) + cells.map((cell) => cell.padStart(13)).join(''))
    .join('\n');
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)} %`;
}
