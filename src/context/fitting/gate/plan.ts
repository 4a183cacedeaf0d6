import { batchTokens } from './batch-size.ts';
import { savingOf, type Cut, type Standing } from './saving.ts';

/** An item of a history in tokens, as it would leave now. */
export interface SizedItem {
  readonly tokens: number;
  /** Tokens that masking its tool results takes out; 0 where there is nothing to mask. */
  readonly maskable: number;
}

/** Items that can be removed together, and how much they have to do with what is being asked. */
export interface RankedUnit {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly relevance: number;
}

export interface FitPolicy {
  /** Beyond so many tokens an edit is considered, and made where it pays. */
  readonly tokenBudget: number;
  /** Items that are never touched at the end of a history. */
  readonly keepRecent: number;
  /** Whole turns are removed: never, only where a window or a price cliff demands it, or also where it merely pays. */
  readonly remove: 'never' | 'needed' | 'paying';
}

/** Why an edit is made: also the class by which its success is judged. */
export type EditClass = 'batch' | 'cold' | 'cliff' | 'window';

export interface PlanQuestion {
  readonly standing: Standing;
  /** Tokens before the first item: tools, instructions. */
  readonly head: number;
  readonly items: readonly SizedItem[];
  readonly policy: FitPolicy;
  /** Tokens that the request may have at most; `Infinity` where no window is known. */
  readonly limit: number;
  /** Removable units; only asked for where masking is not enough. */
  units(): readonly RankedUnit[];
  /** False for a class of edits that has switched itself off. */
  allows(edits: EditClass): boolean;
}

export interface Plan {
  readonly edits: EditClass;
  /** Items whose tool results are masked. */
  readonly mask: readonly number[];
  readonly remove: readonly RankedUnit[];
  readonly cut: Cut;
  /** Expected, in pico-dollars; may be negative for a window. */
  readonly saving: number;
}

/** Having to edit for the window, so much of it is emptied, or the next call would have to edit again. */
const emptied = 0.25;

/** What to edit now, or why nothing. */
export function planEdits(
  question: PlanQuestion,
): Plan | 'in-budget' | 'nothing-to-edit' | 'not-ripe' | 'does-not-pay' | 'switched-off' {
  const edits = reasonFor(question);
  if (edits === undefined) return 'in-budget';
  if (!question.allows(edits)) return 'switched-off';
  const last = question.items.length - question.policy.keepRecent;
  const masks = question.items.flatMap(({ maskable }, index) =>
    maskable > 0 && index < last ? [index] : [],
  );
  if (edits === 'window') return planForWindow(question, masks);
  if (edits === 'batch' && masks.length > 0 && !isRipe(question, masks[0]!, last))
    return 'not-ripe';
  const plans = [...masksFrom(question, edits, masks), ...removals(question, edits, masks)];
  const best = plans.reduce<Plan | undefined>(
    (best, plan) => (best === undefined || plan.saving > best.saving ? plan : best),
    undefined,
  );
  if (best === undefined) return 'nothing-to-edit';
  return best.saving > 0 ? best : 'does-not-pay';
}

function reasonFor(question: PlanQuestion): EditClass | undefined {
  const { standing, limit, policy } = question;
  const { total, hot, economics } = standing;
  if (total > limit) return 'window';
  const reachable = total - editableTokens(question);
  if (economics.cliffs.some(({ above }) => total > above && reachable <= above)) return 'cliff';
  if (total <= policy.tokenBudget) return undefined;
  return hot ? 'batch' : 'cold';
}

/** Tokens that edits could take out at the most. */
function editableTokens({ items, policy }: PlanQuestion): number {
  const last = items.length - policy.keepRecent;
  if (policy.remove !== 'never') return sumOf(items, 0, last);
  return items.reduce((sum, { maskable }, index) => (index < last ? sum + maskable : sum), 0);
}

/** True where the conversation has grown enough since the last edit, or has fewer calls left than it has already waited. */
function isRipe({ standing, items }: PlanQuestion, first: number, last: number): boolean {
  const grown = sumOf(items, first, last);
  const { growth, callsLeft } = standing;
  return grown >= batchTokens(standing, sumOf(items, last)) || grown >= callsLeft * growth;
}

/** Masking all results from some item on: the later it begins, the less is written anew, and the less is saved. */
function masksFrom(question: PlanQuestion, edits: EditClass, masks: readonly number[]): Plan[] {
  return masks.map((_, start) => planOf(question, edits, masks.slice(start), []));
}

/** Masking everything, and removing turns beside it, the least relevant first, until the request is within its budget. */
function removals(question: PlanQuestion, edits: EditClass, masks: readonly number[]): Plan[] {
  const { policy, standing } = question;
  const wanted = edits === 'cliff' ? policy.remove !== 'never' : policy.remove === 'paying';
  if (!wanted) return [];
  const cliffs = standing.economics.cliffs.map(({ above }) => above);
  const target = edits === 'cliff' ? lowestWithin(question, cliffs) : policy.tokenBudget;
  const remove = unitsToRemove(question, masks, target);
  return remove.length === 0 ? [] : [planOf(question, edits, masks, remove)];
}

/** The lowest cliff that can be got below. */
function lowestWithin(question: PlanQuestion, cliffs: readonly number[]): number {
  const reachable = question.standing.total - editableTokens(question);
  return Math.min(...cliffs.filter((above) => above >= reachable));
}

function planForWindow(question: PlanQuestion, masks: readonly number[]): Plan | 'nothing-to-edit' {
  const target = question.limit * (1 - emptied);
  const masked = planOf(question, 'window', masks, []);
  const isEnough = question.standing.total - masked.cut.removed <= target;
  const remove =
    isEnough || question.policy.remove === 'never' ? [] : unitsToRemove(question, masks, target);
  const plan = planOf(question, 'window', masks, remove);
  return plan.cut.removed > 0 ? plan : 'nothing-to-edit';
}

function unitsToRemove(
  question: PlanQuestion,
  masks: readonly number[],
  target: number,
): RankedUnit[] {
  const { items, standing } = question;
  const masked = new Set(masks);
  const taken = new Set<number>();
  let total = standing.total - masks.reduce((sum, index) => sum + items[index]!.maskable, 0);
  const leftOf = (index: number): number =>
    taken.has(index) ? 0 : items[index]!.tokens - (masked.has(index) ? items[index]!.maskable : 0);
  const chosen: RankedUnit[] = [];
  const ranked = question.units().toSorted((one, other) => one.relevance - other.relevance);
  for (const unit of ranked) {
    if (total <= target) break;
    let freed = 0;
    for (let index = unit.from; index < unit.to; index++) freed += leftOf(index);
    if (freed === 0) continue;
    total -= freed;
    for (let index = unit.from; index < unit.to; index++) taken.add(index);
    chosen.push(unit);
  }
  return chosen;
}

function planOf(
  question: PlanQuestion,
  edits: EditClass,
  masks: readonly number[],
  remove: readonly RankedUnit[],
): Plan {
  const { items, head, standing } = question;
  const gone = new Set<number>();
  for (const { from, to } of remove) for (let index = from; index < to; index++) gone.add(index);
  const mask = masks.filter((index) => !gone.has(index));
  let removed = 0;
  for (const index of gone) removed += items[index]!.tokens;
  for (const index of mask) removed += items[index]!.maskable;
  const first = Math.min(...gone, ...mask, items.length);
  const cut = { before: head + sumOf(items, 0, first), removed };
  return { edits, mask, remove, cut, saving: savingOf(standing, cut) };
}

function sumOf(items: readonly SizedItem[], from: number, to = items.length): number {
  let sum = 0;
  for (let index = Math.max(0, from); index < to; index++) sum += items[index]!.tokens;
  return sum;
}
