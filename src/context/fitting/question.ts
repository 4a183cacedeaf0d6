import type { JsonValue } from '../../kernel/json.ts';
import type { Span } from '../../kernel/json-members.ts';
import { placeholderTokens } from './edits/placeholder.ts';
import type { Economics } from './gate/economics.ts';
import type { EditClass, FitPolicy, PlanQuestion, RankedUnit, SizedItem } from './gate/plan.ts';
import type { Standing } from './gate/saving.ts';
import type { Conversation, KnownItem } from './memory/conversation.ts';
import { rankUnits } from './ranking/rank-units.ts';
import { isFault, type TurnReader } from './turns/item.ts';
import { removableUnits } from './turns/removable.ts';

/** A conversation at the moment in which an edit is considered. */
export interface Situation {
  readonly conversation: Conversation;
  readonly body: Buffer;
  readonly spans: readonly Span[];
  readonly reader: TurnReader;
  readonly economics: Economics;
  readonly policy: FitPolicy;
  readonly hot: boolean;
  /** Items that were sent before. */
  readonly itemsSent: number;
  readonly callsLeft: number;
  readonly limit: number;
  /** Tokens of an item as it came, and of everything that is no item. */
  readonly tokensOf: (item: KnownItem) => number;
  /** What the model's own tokens are to those of our count. */
  readonly factor: number;
  readonly headTokens: number;
  allows(edits: EditClass): boolean;
}

/** The gate's question about a situation. */
export function questionOf(situation: Situation): PlanQuestion {
  const { conversation, policy, headTokens, limit, itemsSent, tokensOf } = situation;
  const last = conversation.items.length - policy.keepRecent;
  const items: SizedItem[] = [];
  let total = headTokens;
  let sentBefore = headTokens;
  let whole = 0;
  // One pass: this is done at every call.
  for (const item of conversation.items) {
    const all = tokensOf(item);
    const tokens = Math.max(0, all - item.removedTokens * situation.factor);
    if (items.length < itemsSent) sentBefore += tokens;
    total += tokens;
    whole += all;
    items.push({ tokens, maskable: items.length < last ? maskableOf(item, tokens, last) : 0 });
  }
  return {
    standing: standingOf(situation, { total, sentBefore, whole }),
    head: headTokens,
    items,
    policy,
    limit,
    units: () => unitsOf(situation, last),
    allows: (edits) => situation.allows(edits),
  };
}

function maskableOf(item: KnownItem, tokens: number, last: number): number {
  const isHeld = item.referredBy !== undefined && item.referredBy >= last;
  if (item.maskable.results === 0 || item.gone || item.pinned || isHeld) return 0;
  const { characters, results } = item.maskable;
  const share = Math.min(1, characters / item.bytes);
  const gain = Math.floor(tokens * share) - results * placeholderTokens;
  // Less than another placeholder is not worth a byte.
  return gain > placeholderTokens ? gain : 0;
}

function standingOf(
  situation: Situation,
  sums: { readonly total: number; readonly sentBefore: number; readonly whole: number },
): Standing {
  const { conversation, economics, hot, callsLeft } = situation;
  const { calls, coldCalls, output, turns } = conversation;
  return {
    economics,
    total: sums.total,
    sentBefore: sums.sentBefore,
    hot,
    callsLeft,
    growth: sums.whole / Math.max(1, turns),
    output: calls === 0 ? 0 : output / calls,
    coldShare: calls < leastCalls ? 0 : coldCalls / calls,
  };
}

/** A share is taken from no fewer calls. */
const leastCalls = 4;

function unitsOf({ conversation, body, spans, reader }: Situation, last: number): RankedUnit[] {
  const { items } = conversation;
  const groups = conversation.groups.groups();
  if (typeof groups === 'string') return [];
  const units = removableUnits(groups, Math.min(last, items.length - 1)).filter(({ from, to }) =>
    items
      .slice(from, to)
      .every(
        ({ gone, pinned, referredBy }, index) =>
          !pinned &&
          (referredBy === undefined || referredBy < to) &&
          !isRemoved(conversation, from + index, gone),
      ),
  );
  if (units.length === 0) return [];
  const texts = spans.map(({ start, end }) => {
    const read = reader.read(JSON.parse(body.toString('utf8', start, end)) as JsonValue);
    return isFault(read) ? '' : gist(read.text);
  });
  const asked = items.findLastIndex(({ item }) => item.speaker === 'user' || item.words);
  return rankUnits(units, texts, texts[asked] ?? '');
}

/** Of a long text, its beginning and its end tell well enough what it is about, and indexing stays short. */
function gist(text: string): string {
  const { length } = text;
  if (length <= gistLength) return text;
  return `${text.slice(0, gistLength * 0.75)}\n${text.slice(length - gistLength * 0.25)}`;
}

const gistLength = 1600;

function isRemoved(conversation: Conversation, index: number, gone: boolean): boolean {
  return gone && conversation.edits.get(index)?.removed === true;
}
