import { EconomizerError } from '../kernel/errors.ts';
import type { ReportLine } from './store.ts';

/** Calls and cost of all lines. */
export function total(lines: readonly ReportLine[]): {
  readonly calls: number;
  readonly costNanos: number;
} {
  return {
    calls: lines.reduce((sum, line) => sum + line.calls, 0),
    costNanos: lines.reduce((sum, line) => sum + line.costNanos, 0),
  };
}

/** @throws EconomizerError unless both are equal but for the order of members. */
export function same(found: unknown, expected: unknown): void {
  if (textOf(found) === textOf(expected)) return;
  throw new EconomizerError(
    'ECO_INTERNAL',
    `The store gave ${textOf(found)} where it should give ${textOf(expected)}.`,
  );
}

/** Both of known shape and member order made equal by sorting; undefined members stay visible. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => {
    if (each === undefined) return '(undefined)';
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(
      Object.entries(each).toSorted(([one], [two]) => one.localeCompare(two)),
    );
  });
}
