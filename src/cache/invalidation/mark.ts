/**
 * What was purged under one selector, newest of each kind; all zero: nothing. Two marks merge by taking the greater of each number, in
 * whatever order and however often, so that replicas that missed something need only be told again.
 */
export interface Mark {
  /** Version of the last purge: answers that were asked for before it are gone. */
  readonly hard: number;
  /** Entries stored before this time are gone. */
  readonly hardBefore: number;
  /** As `hard`, but the entries are past their time instead of gone. */
  readonly soft: number;
  readonly softBefore: number;
  /** Version of the purge that said `softBefore`. */
  readonly softBeforeAt: number;
}

/** A mark that says nothing. */
export const noMark: Mark = { hard: 0, hardBefore: 0, soft: 0, softBefore: 0, softBeforeAt: 0 };

/** The greater of each number. */
export function mergeMarks(one: Mark, other: Mark): Mark {
  return {
    hard: Math.max(one.hard, other.hard),
    hardBefore: Math.max(one.hardBefore, other.hardBefore),
    soft: Math.max(one.soft, other.soft),
    softBefore: Math.max(one.softBefore, other.softBefore),
    softBeforeAt: Math.max(one.softBeforeAt, other.softBeforeAt),
  };
}

export function sameMark(one: Mark, other: Mark): boolean {
  return (
    one.hard === other.hard &&
    one.hardBefore === other.hardBefore &&
    one.soft === other.soft &&
    one.softBefore === other.softBefore &&
    one.softBeforeAt === other.softBeforeAt
  );
}

/** When it was last added to, as near as its numbers tell. */
export function ageOf({ hard, hardBefore, soft, softBeforeAt }: Mark): number {
  return Math.max(hard, hardBefore, soft, softBeforeAt);
}

/** The five numbers in the order in which stores keep them. */
export function numbersOf({ hard, hardBefore, soft, softBefore, softBeforeAt }: Mark): number[] {
  return [hard, hardBefore, soft, softBefore, softBeforeAt];
}

/** The mark of five numbers. */
export function marked(numbers: readonly number[]): Mark {
  const [hard = 0, hardBefore = 0, soft = 0, softBefore = 0, softBeforeAt = 0] = numbers;
  return { hard, hardBefore, soft, softBefore, softBeforeAt };
}
