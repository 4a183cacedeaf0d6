import { arrayOf, isObject, type JsonObject } from '../../kernel/json.ts';
import type { Dialect, SseEvent } from '../dialect.ts';
import { addItems, addMember, piecesOf, replaceMember, type Growing } from './growing.ts';
import { chunkedFacts } from './openai-chat.ts';
import { choicesFacts } from './openai-choices.ts';
import {
  ChunkAssembler,
  chunkEvents,
  inTurn,
  isUsageChunk,
  type ChunkForm,
} from './openai-chunks.ts';
import { openAiErrorBody, openAiErrorEvent } from './openai-errors.ts';
import { openAiInert } from './openai-inert.ts';
import { completionsSpend } from './openai-spend.ts';
import { readNumber, readTextOrList } from './request-fields.ts';

/** OpenAI's legacy completions: a prompt and the text that goes on from it. */
export const openAiCompletions: Dialect = {
  name: 'openai-completions',
  growing: undefined,
  inert: openAiInert,
  requestFacts(body) {
    // A null prompt is the documented way to begin from nothing.
    if (body['prompt'] !== null) readTextOrList(body, 'prompt');
    readNumber(body, 'n');
    return { ...chunkedFacts(body), bound: undefined };
  },
  spendTerms: completionsSpend,
  answerFacts: choicesFacts,
  assembler: () => new ChunkAssembler(textChunks),
  streamEvents: textEvents,
  isUsageOnly: isUsageChunk,
  errorBody: openAiErrorBody,
  errorEvent: openAiErrorEvent,
};

const textChunks: ChunkForm = {
  object: 'text_completion',
  addChoice(choice, part) {
    for (const name in part) {
      const value = part[name];
      if (name === 'text') addMember(choice, name, value);
      else if (name === 'logprobs' && isObject(value)) addLogprobs(choice, value);
      else if (name !== 'index') replaceMember(choice, name, value);
    }
  },
};

/** Four lists side by side, one place a token. */
function addLogprobs(choice: Growing, part: JsonObject): void {
  const begun = choice['logprobs'];
  const logprobs: Growing = isObject(begun) ? begun : {};
  choice['logprobs'] = logprobs;
  for (const name of Object.keys(part)) addItems(logprobs, name, part[name]);
}

function textEvents(final: JsonObject, options: { readonly usage: boolean }): SseEvent[] {
  const choices = arrayOf(final['choices']).filter(isObject);
  return chunkEvents(final, {
    object: 'text_completion',
    usage: options.usage,
    parts: inTurn(choices.map(choiceParts)),
  });
}

function choiceParts(choice: JsonObject): JsonObject[] {
  const { text, index, logprobs, finish_reason, ...others } = choice;
  const silent = logprobs === undefined ? undefined : null;
  const pieces = typeof text === 'string' ? piecesOf(text) : [];
  const parts: Growing[] = pieces.map((piece) => ({
    text: piece,
    index,
    logprobs: silent,
    finish_reason: null,
  }));
  parts.push({ text: '', index, logprobs: silent, finish_reason, ...others });
  if (isObject(logprobs)) parts[0]!['logprobs'] = logprobs;
  return parts;
}
