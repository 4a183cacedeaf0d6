import type { BodySpans } from '../../../kernel/json-spans.ts';
import type { Span } from '../../../kernel/json-members.ts';
import type { JsonValue } from '../../../kernel/json.ts';
import type { NewItem } from '../first-send/first-send.ts';
import { isFault, plainItem, type Item, type Observation, type TurnReader } from '../turns/item.ts';
import type { Conversation, KnownItem } from './conversation.ts';

/** Reads the items of a request that its conversation does not know yet, and adds them to it. */
export function readOn(
  conversation: Conversation,
  body: Buffer,
  spans: readonly Span[],
  reader: TurnReader,
  pins: readonly string[],
): NewItem[] {
  const added: NewItem[] = [];
  for (let index = conversation.items.length; index < spans.length; index++) {
    const { start, end } = spans[index]!;
    const bytes = body.subarray(start, end);
    const item = readItem(bytes, index, conversation, reader);
    const { text, outputs: _outputs, ...kept } = item;
    conversation.add({
      item: kept,
      bytes: bytes.length,
      maskable: maskableIn(kept.observations),
      pinned: pins.some((pin) => text.includes(pin)),
      gone: false,
      tokens: undefined,
      removedTokens: 0,
      referredBy: undefined,
    });
    added.push({ index, item, bytes });
  }
  return added;
}

function maskableIn(observations: readonly Observation[]): KnownItem['maskable'] {
  const plain = observations.filter((each) => each.plain);
  return {
    results: plain.length,
    characters: plain.reduce((sum, { characters }) => sum + characters, 0),
  };
}

/** An item as the dialect reads it; one that it cannot read makes the conversation faulty from there on. */
function readItem(
  bytes: Buffer,
  index: number,
  conversation: Conversation,
  reader: TurnReader,
): Item {
  const read = reader.read(JSON.parse(bytes.toString('utf8')) as JsonValue);
  if (!isFault(read)) return read;
  conversation.unreadable ??= { at: index, why: read };
  return plainItem;
}

/** How many of a conversation's items a body has in common with the latest request, given the bytes that are the same. */
export function commonItems(
  spans: readonly Span[],
  conversation: Conversation,
  same: number,
): number {
  let count = 0;
  while (count < conversation.items.length && (spans[count]?.end ?? Infinity) <= same) count++;
  return count;
}

/** True for a member of the request that is there and not null. */
export function saysIn(body: Buffer, { members }: BodySpans): (name: string) => boolean {
  return (name) => {
    const member = members.findLast((each) => each.name === name);
    return member !== undefined && body.toString('latin1', member.start, member.end) !== 'null';
  };
}
