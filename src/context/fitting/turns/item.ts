import type { JsonValue } from '../../../kernel/json.ts';

/** Why a history is left as it is. */
export type HistoryFault =
  | 'orphan-result' // a result of a call that is not there, or not open any more
  | 'unanswered-call' // a call whose result is missing
  | 'duplicate-id'
  | 'interrupted' // something stands between a call and its results
  | 'empty-content'
  | 'attachment' // an image, a sound, a file: we cannot tell what it costs or says
  | 'unknown-part' // a role, an item or a block that we do not know
  | 'refused' // the provider refused what we made of it
  | 'provider-state'; // part of the history lies at the provider

/** A tool's result inside an item. */
export interface Observation {
  /** Which block of the item's content it is; undefined where the item is nothing else. */
  readonly block: number | undefined;
  /** The call that it answers. */
  readonly call: string;
  readonly characters: number;
  /** It may be replaced: it is text alone, and no mark of the client is inside. */
  readonly plain: boolean;
}

/** One item of a history (a message, or an item of the responses dialect), as the rules of pairing see it. */
export interface Item {
  readonly speaker: 'system' | 'user' | 'assistant' | 'tool';
  /** Ids of the calls that it makes. */
  readonly calls: readonly string[];
  /** Ids of the calls that it answers. */
  readonly results: readonly string[];
  /** A `tool` item that also carries words of the user. */
  readonly words: boolean;
  /** It holds reasoning or a signature, which the provider wants back unchanged with what follows it. */
  readonly signed: boolean;
  /** It carries the client's own cache mark. */
  readonly marked: boolean;
  readonly observations: readonly Observation[];
  /** Their texts. */
  readonly outputs: readonly string[];
  /** All that the model reads of it. */
  readonly text: string;
}

export const plainItem: Item = {
  speaker: 'user',
  calls: [],
  results: [],
  words: false,
  signed: false,
  marked: false,
  observations: [],
  outputs: [],
  text: '',
};

/** An item that is a tool's result and nothing else. */
export function resultItem(call: string, text: string, marked: boolean): Item {
  return {
    ...plainItem,
    speaker: 'tool',
    results: [call],
    marked,
    observations: [{ block: undefined, call, characters: text.length, plain: !marked }],
    outputs: [text],
    text,
  };
}

/** How a dialect's histories are read. */
export interface TurnReader {
  /** The member that holds the items. */
  readonly list: string;
  /** The member, of an item or of a block in it, that holds a tool's result. */
  readonly resultMember: 'content' | 'output';
  /** Calls and results must be neighbours; otherwise they only must both be there. */
  readonly adjacent: boolean;
  /** All results of a message's calls stand in one item. */
  readonly resultsTogether: boolean;
  /** Why the request as a whole cannot be edited; `says` tells whether it has a member that is not null. */
  requestFault(says: (member: string) => boolean): HistoryFault | undefined;
  read(item: JsonValue): Item | HistoryFault;
}

export function isFault(read: Item | HistoryFault): read is HistoryFault {
  return typeof read === 'string';
}
