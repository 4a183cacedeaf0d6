import type { HistoryFault, Item, TurnReader } from './item.ts';

/** Items that are kept or removed together: the smallest part of a history whose removal leaves no rule broken. */
export interface TurnGroup {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /**
   * `pinned`: system or developer; `user`; `assistant`: words without calls;
   * `exchange`: calls with all their results, and the reasoning that led to them.
   */
  readonly kind: 'pinned' | 'user' | 'assistant' | 'exchange';
  readonly signed: boolean;
  readonly marked: boolean;
  /** The user speaks in it. */
  readonly words: boolean;
}

type Shape = Omit<Item, 'text' | 'outputs'>;

/** Cuts a whole history into its groups; says why where it breaks the provider's own rules already. */
export function groupsOf(
  items: readonly Shape[],
  rules: PairingRules,
): readonly TurnGroup[] | HistoryFault {
  const cutter = new GroupCutter(rules);
  for (const item of items) cutter.add(item);
  return cutter.groups();
}

export type PairingRules = Pick<TurnReader, 'adjacent' | 'resultsTogether'>;

/** Cuts a history into its groups while it grows. */
export class GroupCutter {
  readonly #rules: PairingRules;
  readonly #groups: TurnGroup[] = [];
  readonly #known = new Set<string>();
  readonly #open = new Set<string>();
  #fault: HistoryFault | undefined;
  #items: Shape[] = [];
  #count = 0;

  constructor(rules: PairingRules) {
    this.#rules = rules;
  }

  add(item: Shape): void {
    this.#fault ??= this.#faultOf(item);
    this.#items.push(item);
    this.#count++;
  }

  /** Why the history up to here cannot be sent; a call that is not answered yet may still be. */
  get fault(): HistoryFault | undefined {
    return this.#fault ?? (this.#open.size > 0 ? 'unanswered-call' : undefined);
  }

  /** The groups up to here; the last may still grow. */
  groups(): readonly TurnGroup[] | HistoryFault {
    if (this.fault !== undefined) return this.fault;
    return this.#items.length === 0 ? this.#groups : [...this.#groups, this.#group()];
  }

  #faultOf(item: Shape): HistoryFault | undefined {
    const { adjacent, resultsTogether } = this.#rules;
    const answers = item.speaker === 'tool';
    if (!answers) {
      if (adjacent && this.#open.size > 0) return 'interrupted';
      if (this.#startsGroup(item)) this.#close();
    }
    for (const id of item.results) if (!this.#open.delete(id)) return 'orphan-result';
    if (answers && resultsTogether && this.#open.size > 0) return 'unanswered-call';
    for (const id of item.calls) {
      if (this.#known.has(id)) return 'duplicate-id';
      this.#known.add(id);
      this.#open.add(id);
    }
    return undefined;
  }

  /** Where a call is still open, or reasoning came that may belong to it, an item joins what stands before it. */
  #startsGroup({ speaker, signed }: Shape): boolean {
    if (this.#open.size > 0) return false;
    if (this.#rules.adjacent || speaker !== 'assistant') return true;
    if (!signed) return !this.#items.some((item) => item.signed);
    // Several reasoning items in a row go together.
    return !this.#items.every((item) => item.signed && item.calls.length === 0);
  }

  #close(): void {
    if (this.#items.length === 0) return;
    this.#groups.push(this.#group());
    this.#items = [];
  }

  #group(): TurnGroup {
    const items = this.#items;
    return {
      from: this.#count - items.length,
      to: this.#count,
      kind: kindOf(items),
      signed: items.some(({ signed }) => signed),
      marked: items.some(({ marked }) => marked),
      words: items.some(({ speaker, words }) => speaker === 'user' || words),
    };
  }
}

function kindOf(items: readonly Shape[]): TurnGroup['kind'] {
  const has = (speaker: Shape['speaker']): boolean =>
    items.some((item) => item.speaker === speaker);
  if (has('system')) return 'pinned';
  if (has('tool')) return 'exchange';
  return has('user') ? 'user' : 'assistant';
}
