import { isObject, textOf, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import {
  plainItem,
  type HistoryFault,
  type Item,
  type Observation,
  type TurnReader,
} from './item.ts';
import { isMarked, readParts } from './text-parts.ts';

const resultParts: ReadonlySet<string> = new Set(['text']);

/**
 * Anthropic's messages: the results of all calls of an assistant message stand in the user message right behind it, and thinking blocks
 * go back unchanged.
 */
export const anthropicTurns: TurnReader = {
  list: 'messages',
  resultMember: 'content',
  adjacent: true,
  resultsTogether: true,
  // The provider edits such a history itself.
  requestFault: (says) => (says('context_management') ? 'provider-state' : undefined),
  read(message) {
    if (!isObject(message)) return 'unknown-part';
    const role = textOf(message['role']);
    if (role !== 'user' && role !== 'assistant') return 'unknown-part';
    const { content } = message;
    if (typeof content === 'string') {
      return content === '' ? 'empty-content' : { ...plainItem, speaker: role, text: content };
    }
    if (!Array.isArray(content) || content.length === 0) return 'empty-content';
    return readBlocks(content as readonly JsonValue[], role);
  },
};

/** What the blocks of one message amount to. */
interface Sum {
  readonly calls: string[];
  readonly results: string[];
  readonly observations: Observation[];
  readonly outputs: string[];
  readonly texts: string[];
  words: boolean;
  signed: boolean;
  marked: boolean;
}

function readBlocks(blocks: readonly JsonValue[], role: 'user' | 'assistant'): Item | HistoryFault {
  const sum: Sum = {
    calls: [],
    results: [],
    observations: [],
    outputs: [],
    texts: [],
    words: false,
    signed: false,
    marked: false,
  };
  for (const [index, block] of blocks.entries()) {
    if (!isObject(block)) return 'unknown-part';
    sum.marked ||= isMarked(block['cache_control']);
    const fault = role === 'user' ? readUserBlock(block, index, sum) : readOwnBlock(block, sum);
    if (fault !== undefined) return fault;
  }
  const { texts, words, ...rest } = sum;
  const isTool = rest.results.length > 0;
  const speaker = role === 'assistant' ? role : isTool ? 'tool' : 'user';
  return { ...plainItem, ...rest, speaker, words: words && isTool, text: texts.join('\n') };
}

function readUserBlock(block: JsonObject, index: number, sum: Sum): HistoryFault | undefined {
  switch (textOf(block['type']) ?? '') {
    case 'text':
      sum.words = true;
      return addText(block['text'], sum);
    case 'tool_result': {
      const id = textOf(block['tool_use_id']);
      if (id === undefined) return 'orphan-result';
      // Results come before words, or the provider refuses the message.
      if (sum.words) return 'interrupted';
      const parts = readParts(block['content'], resultParts);
      if (typeof parts === 'string') return parts;
      sum.results.push(id);
      sum.observations.push({
        block: index,
        call: id,
        characters: parts.text.length,
        plain: !parts.marked,
      });
      sum.outputs.push(parts.text);
      sum.texts.push(parts.text);
      return undefined;
    }
    case 'image':
    case 'document':
      return 'attachment';
    default:
      return 'unknown-part';
  }
}

function readOwnBlock(block: JsonObject, sum: Sum): HistoryFault | undefined {
  switch (textOf(block['type']) ?? '') {
    case 'text':
      return addText(block['text'], sum);
    case 'thinking':
    case 'redacted_thinking':
      sum.signed = true;
      sum.texts.push(textOf(block['thinking']) ?? textOf(block['data']) ?? '');
      return undefined;
    case 'tool_use': {
      const id = textOf(block['id']);
      if (id === undefined) return 'unknown-part';
      sum.calls.push(id);
      sum.texts.push(textOf(block['name']) ?? '', JSON.stringify(block['input'] ?? {}));
      return undefined;
    }
    default:
      return 'unknown-part';
  }
}

function addText(value: JsonValue | undefined, sum: Sum): HistoryFault | undefined {
  const text = textOf(value);
  if (text === undefined) return 'unknown-part';
  if (text === '') return 'empty-content';
  sum.texts.push(text);
  return undefined;
}
