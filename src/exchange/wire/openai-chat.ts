import { isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import type { Dialect, RequestFacts } from '../dialect.ts';
import { chatBound } from './openai-bound.ts';
import { chatChunks } from './openai-chat-assembler.ts';
import { chatEvents } from './openai-chat-events.ts';
import { choicesFacts } from './openai-choices.ts';
import { ChunkAssembler, isUsageChunk } from './openai-chunks.ts';
import { openAiErrorBody, openAiErrorEvent } from './openai-errors.ts';
import { openAiInert } from './openai-inert.ts';
import { chatSpend } from './openai-spend.ts';
import {
  readFlag,
  readMessages,
  readModel,
  readNames,
  readNumber,
  readSampling,
  readTools,
} from './request-fields.ts';

/** OpenAI's chat completions, and all that speak them. */
export const openAiChat: Dialect = {
  name: 'openai-chat',
  growing: 'messages',
  inert: openAiInert,
  requestFacts(body) {
    readMessages(body);
    readNumber(body, 'n');
    return { ...chunkedFacts(body), bound: chatBound(body), ...readTools(body) };
  },
  spendTerms: chatSpend,
  answerFacts: choicesFacts,
  assembler: () => new ChunkAssembler(chatChunks),
  streamEvents: chatEvents,
  isUsageOnly: isUsageChunk,
  errorBody: openAiErrorBody,
  errorEvent: openAiErrorEvent,
};

/** What chat and legacy completions have in common: streams whose usage must be asked for. */
export function chunkedFacts(body: JsonObject): Omit<RequestFacts, 'bound'> {
  const stream = readFlag(body, 'stream');
  const options = body['stream_options'];
  return {
    model: readModel(body),
    stream,
    streamUsage: isObject(options) && options['include_usage'] === true,
    sampling: readSampling(body),
    ...readNames(body),
    serviceTier: textOf(body['service_tier']),
  };
}
