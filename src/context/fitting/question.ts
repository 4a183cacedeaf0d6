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
  const { conversation, policy, headTokens, limit } = situation;
  const last = conversation.items.length - policy.keepRecent;
  const items = conversation.items.map((item) => sizeOf(item, situation, last));
  return {
    standing: standingOf(situation, items),
    head: headTokens,
    items,
    policy,
    limit,
    units: () => unitsOf(situation, last),
    allows: (edits) => situation.allows(edits),
  };
}

function sizeOf(item: KnownItem, { tokensOf, factor }: Situation, last: number): SizedItem {
  const whole = tokensOf(item);
  const removed = item.removedTokens * factor;
  const tokens = Math.max(0, whole - removed);
  const isHeld = item.referredBy !== undefined && item.referredBy >= last;
  if (item.gone || item.pinned || isHeld) return { tokens, maskable: 0 };
  let characters = 0;
  let count = 0;
  for (const { plain, characters: length } of item.item.observations) {
    if (!plain) continue;
    characters += length;
    count++;
  }
  const share = Math.min(1, characters / item.bytes);
  const gain = Math.floor(Math.max(0, whole * share - removed)) - count * placeholderTokens;
  // Less than another placeholder is not worth a byte.
  return { tokens, maskable: gain > placeholderTokens ? gain : 0 };
}

function standingOf(situation: Situation, items: readonly SizedItem[]): Standing {
  const { conversation, headTokens, itemsSent, economics, hot, callsLeft } = situation;
  let total = headTokens;
  let sentBefore = headTokens;
  for (const [index, { tokens }] of items.entries()) {
    total += tokens;
    if (index < itemsSent) sentBefore += tokens;
  }
  const whole = conversation.items.reduce((sum, item) => sum + situation.tokensOf(item), 0);
  const { calls, coldCalls, output, turns } = conversation;
  return {
    economics,
    total,
    sentBefore,
    hot,
    callsLeft,
    growth: whole / Math.max(1, turns),
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
