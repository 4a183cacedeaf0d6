import { arrayOf, isObject, textOf, type JsonObject } from '../../../kernel/json.ts';
import { plainItem, resultItem, type HistoryFault, type Item, type TurnReader } from './item.ts';
import { isMarked, readParts } from './text-parts.ts';

const partTypes: ReadonlySet<string> = new Set(['text', 'refusal']);

/** OpenAI's chat: a `tool` message answers a call of the assistant message before it, and every call is answered before anyone else speaks. */
export const openAiChatTurns: TurnReader = {
  list: 'messages',
  resultMember: 'content',
  adjacent: true,
  resultsTogether: false,
  requestFault: () => undefined,
  read(message) {
    if (!isObject(message)) return 'unknown-part';
    const parts = readParts(message['content'], partTypes);
    if (typeof parts === 'string') return parts;
    const { text, marked } = parts;
    switch (textOf(message['role']) ?? '') {
      case 'system':
      case 'developer':
        return text === '' ? 'empty-content' : { ...plainItem, speaker: 'system', text, marked };
      case 'user':
        return text === '' ? 'empty-content' : { ...plainItem, text, marked };
      case 'assistant':
        return readAssistant(message, text, marked);
      case 'tool':
        return readResult(message, text, marked);
      default:
        return 'unknown-part';
    }
  },
};

/** Members in which servers that speak this dialect send reasoning and want it back. */
const reasoningMembers = ['reasoning', 'reasoning_content', 'reasoning_details', 'thinking_blocks'];

function readAssistant(message: JsonObject, text: string, marked: boolean): Item | HistoryFault {
  if (isMarked(message['audio'])) return 'attachment';
  if (isMarked(message['function_call'])) return 'unknown-part';
  const calls: string[] = [];
  const texts = [text];
  let signed = reasoningMembers.some((name) => isMarked(message[name]));
  for (const call of arrayOf(message['tool_calls'])) {
    const id = isObject(call) ? textOf(call['id']) : undefined;
    const called = isObject(call) ? (call['function'] ?? call['custom']) : undefined;
    if (!isObject(call) || id === undefined || !isObject(called)) return 'unknown-part';
    // Gemini's thought signatures travel here.
    signed ||= isMarked(call['extra_content']);
    calls.push(id);
    texts.push(
      textOf(called['name']) ?? '',
      textOf(called['arguments']) ?? textOf(called['input']) ?? '',
    );
  }
  if (calls.length === 0 && text === '') return 'empty-content';
  for (const name of reasoningMembers) texts.push(textOf(message[name]) ?? '');
  return { ...plainItem, speaker: 'assistant', calls, signed, marked, text: texts.join('\n') };
}

function readResult(message: JsonObject, text: string, marked: boolean): Item | HistoryFault {
  const id = textOf(message['tool_call_id']);
  if (id === undefined) return 'orphan-result';
  return resultItem(id, text, marked);
}
