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

/** Cuts a history into its groups; says why where it breaks the provider's own rules already. */
export function groupsOf(
  items: readonly Shape[],
  rules: Pick<TurnReader, 'adjacent' | 'resultsTogether'>,
): readonly TurnGroup[] | HistoryFault {
  const cutter = new Cutter(rules);
  for (const item of items) {
    const fault = cutter.add(item);
    if (fault !== undefined) return fault;
  }
  return cutter.finish();
}

class Cutter {
  readonly #rules: Pick<TurnReader, 'adjacent' | 'resultsTogether'>;
  readonly #groups: TurnGroup[] = [];
  readonly #known = new Set<string>();
  readonly #open = new Set<string>();
  #items: Shape[] = [];
  #count = 0;

  constructor(rules: Pick<TurnReader, 'adjacent' | 'resultsTogether'>) {
    this.#rules = rules;
  }

  add(item: Shape): HistoryFault | undefined {
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
    this.#items.push(item);
    this.#count++;
    return undefined;
  }

  finish(): readonly TurnGroup[] | HistoryFault {
    if (this.#open.size > 0) return 'unanswered-call';
    this.#close();
    return this.#groups;
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
    const items = this.#items;
    const has = (speaker: Shape['speaker']): boolean =>
      items.some((item) => item.speaker === speaker);
    const kind = has('system')
      ? 'pinned'
      : has('tool')
        ? 'exchange'
        : has('user')
          ? 'user'
          : 'assistant';
    this.#groups.push({
      from: this.#count - items.length,
      to: this.#count,
      kind,
      signed: items.some(({ signed }) => signed),
      marked: items.some(({ marked }) => marked),
      words: items.some(({ speaker, words }) => speaker === 'user' || words),
    });
    this.#items = [];
  }
}
