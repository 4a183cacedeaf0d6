import type { PressureAction } from '../../exchange/call.ts';

/** One rung: from which share of the limit on, and what is done then. */
export interface LadderLevel {
  /** Share of the limit, above 0. */
  readonly at: number;
  readonly actions: readonly PressureAction[];
}

/** What a ladder is made of. */
export interface LadderPolicy {
  /** Ascending by `at`. */
  readonly levels: readonly LadderLevel[];
  /** So far below its share a level is left again. Without it a sum that goes up and down a little would flap. */
  readonly margin: number;
}

/** The ladder of the product: save first, then put off, then scale down, and shut out last. */
export const usualLevels: readonly LadderLevel[] = [
  { at: 0.8, actions: ['cache-more', 'cheaper-models'] },
  { at: 0.9, actions: ['batch', 'defer'] },
  { at: 0.95, actions: ['scale-down'] },
  { at: 1, actions: ['shutdown'] },
];

/** Actions that turn calls away; a soft budget never takes them. */
const refusing: ReadonlySet<PressureAction> = new Set(['batch', 'defer', 'scale-down', 'shutdown']);

/**
 * The level after `current` when a share `fill` of the limit is spent. It rises at once, and falls only when `fill` is `margin` below what it stands for:
 * between two changes of direction `fill` must have moved by the margin, so no sum that trembles makes it flap.
 */
export function nextLevel(current: number, fill: number, { levels, margin }: LadderPolicy): number {
  let level = Math.min(current, levels.length);
  while (level < levels.length && fill >= levels[level]!.at) level++;
  while (level > 0 && fill < levels[level - 1]!.at - margin) level--;
  return level;
}

/** All that is in force on a level: its own actions and those of the levels below. */
export function actionsAt(
  level: number,
  levels: readonly LadderLevel[],
  hard: boolean,
): readonly PressureAction[] {
  const all = levels.slice(0, level).flatMap(({ actions }) => actions);
  return [...new Set(all)].filter((action) => hard || !refusing.has(action));
}
