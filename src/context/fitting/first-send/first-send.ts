import { digestOf } from '../../../kernel/digest.ts';
import { memberSpan } from '../../../kernel/json-members.ts';
import {
  resultSpan,
  withReplacement,
  type ItemEdit,
  type Replacement,
} from '../edits/history-edits.ts';
import type { Conversation, ResultPlace } from '../memory/conversation.ts';
import type { Item, TurnReader } from '../turns/item.ts';
import { askedFor, capped } from './cap.ts';
import type { Handles } from './handles.ts';
import { minified } from './minify.ts';

/** What is done to a tool's result before it is sent for the first time: later it would cost the provider's cached prefix. */
export interface FirstSendPolicy {
  /** White space goes out of JSON. */
  readonly minify: boolean;
  /** A result that the conversation holds already is replaced by a reference to it. */
  readonly refer: boolean;
  /** Results of more characters are capped, with a handle for the rest; undefined: never. */
  readonly capCharacters: number | undefined;
}

/** An item that has not been sent before. */
export interface NewItem {
  readonly index: number;
  readonly item: Item;
  readonly bytes: Buffer;
}

const quote = 0x22;
/** A reference takes about a hundred characters itself. */
const leastRepeat = 500;

/** Edits items before they are sent for the first time. */
export class FirstSend {
  readonly #policy: FirstSendPolicy;
  readonly #handles: Handles;

  constructor(policy: FirstSendPolicy, handles: Handles) {
    this.#policy = policy;
    this.#handles = handles;
  }

  /** Notes a result, so that its repeats can refer to it. For items that were sent before. */
  note(conversation: Conversation, { index, item }: NewItem): void {
    for (const [order, text] of item.outputs.entries()) {
      const { call } = item.observations[order]!;
      this.#firstOf(conversation, text, { index, call });
    }
  }

  /** Edits the results in an item. */
  edit(conversation: Conversation, added: NewItem, reader: TurnReader, scope: string): void {
    const { index, item, bytes } = added;
    let edit: ItemEdit | undefined;
    let removed = 0;
    for (const [order, { block, plain, call }] of item.observations.entries()) {
      const text = item.outputs[order]!;
      const span = plain ? resultSpan(bytes, reader, block) : undefined;
      // Lists of parts stay as they are: what they are good for is not known.
      if (span === undefined || bytes[span.start] !== quote) continue;
      const short =
        this.#repeat(conversation, text, { index, call }) ?? this.#shortened(text, scope);
      if (short === undefined) continue;
      removed += short.tokensOut;
      edit = withReplacement(edit, block, {
        ...span,
        bytes: Buffer.from(JSON.stringify(short.text)),
      });
    }
    if (edit === undefined) return;
    conversation.edits.set(index, edit);
    conversation.items[index]!.removedTokens = removed;
  }

  /** Puts what the model asked for by a handle behind the newest item. */
  answer(
    conversation: Conversation,
    newest: NewItem,
    written: string,
    reader: TurnReader,
    scope: string,
  ): void {
    const limit = this.#policy.capCharacters;
    const text = limit === undefined ? undefined : askedFor(written, limit, scope, this.#handles);
    if (text === undefined) return;
    const { index, item, bytes } = newest;
    const known = conversation.edits.get(index);
    const replaced = known?.replaced.get(undefined);
    const isResult = item.speaker === 'tool' && item.observations[0]?.block === undefined;
    const member = isResult ? reader.resultMember : 'content';
    const appended = append(bytes, member, text, reader, replaced);
    if (appended === undefined) return;
    conversation.edits.set(index, withReplacement(known, undefined, appended));
  }

  /** A reference to the place where the conversation holds this text already. Where it does not yet, this is the place. */
  #repeat(conversation: Conversation, text: string, here: ResultPlace): Shorter | undefined {
    const first = this.#firstOf(conversation, text, here);
    if (first === undefined || first.index === here.index) return undefined;
    conversation.items[first.index]!.referredBy = here.index;
    const reference = `[The same result, word for word, as that of the earlier call ${first.call}.]`;
    return { text: reference, tokensOut: (text.length - reference.length) / charactersPerToken };
  }

  /** Where a result stands first, and still stands. */
  #firstOf(conversation: Conversation, text: string, here: ResultPlace): ResultPlace | undefined {
    if (text.length < leastRepeat || !this.#policy.refer) return undefined;
    const digest = digestOf(text);
    const known = conversation.results.get(digest);
    if (known !== undefined && conversation.items[known.index]?.gone === false) return known;
    conversation.results.set(digest, here);
    return here;
  }

  #shortened(text: string, scope: string): Shorter | undefined {
    const { minify, capCharacters } = this.#policy;
    const dense = minify ? minified(text) : undefined;
    const short = dense && { text: dense.text, tokensOut: dense.gaps };
    if (capCharacters === undefined) return short;
    const whole = short?.text ?? text;
    const cut = capped(whole, capCharacters, scope, this.#handles);
    if (cut === undefined) return short;
    const tokensOut = (short?.tokensOut ?? 0) + (whole.length - cut.length) / charactersPerToken;
    return { text: cut, tokensOut };
  }
}

/** A text in the place of a longer one. */
interface Shorter {
  readonly text: string;
  /** About how many tokens that takes out. */
  readonly tokensOut: number;
}

/** Of tool results: names, numbers and JSON. */
const charactersPerToken = 3.5;

function append(
  bytes: Buffer,
  member: string,
  text: string,
  reader: TurnReader,
  replaced: Replacement | undefined,
): Replacement | undefined {
  const span = memberSpan(bytes, 0, member);
  if (span === undefined) return undefined;
  if (bytes[span.start] === quote) {
    const before = replaced?.bytes ?? bytes.subarray(span.start, span.end);
    const whole = `${JSON.parse(before.toString('utf8')) as string}\n\n${text}`;
    return { ...span, bytes: Buffer.from(JSON.stringify(whole)) };
  }
  const part = JSON.stringify({ type: reader.list === 'input' ? 'input_text' : 'text', text });
  const end = span.end - 1;
  return { start: end, end, bytes: Buffer.from(`,${part}`) };
}
