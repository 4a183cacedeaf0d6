import { isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import type { Dialect } from '../dialect.ts';
import { isSaid } from './bound.ts';
import { responsesBound } from './openai-bound.ts';
import { openAiErrorBody } from './openai-errors.ts';
import { openAiInert } from './openai-inert.ts';
import { ResponsesAssembler } from './openai-responses-assembler.ts';
import { responsesEvents } from './openai-responses-events.ts';
import { responsesFacts } from './openai-responses-facts.ts';
import {
  readFlag,
  readModel,
  readNames,
  readSampling,
  readTools,
  readTextOrList,
} from './request-fields.ts';
import { responsesSpend } from './openai-spend.ts';

/** OpenAI's responses. */
export const openAiResponses: Dialect = {
  name: 'openai-responses',
  growing: 'input',
  inert: openAiInert,
  requestFacts(body) {
    if (!bringsOwnInput(body)) readTextOrList(body, 'input');
    return {
      // A stored prompt may name the model; then only the answer tells which it was.
      model: isObject(body['prompt']) ? (textOf(body['model']) ?? '') : readModel(body),
      stream: readFlag(body, 'stream'),
      streamUsage: true,
      sampling: readSampling(body),
      bound: responsesBound(body),
      ...readNames(body),
      serviceTier: textOf(body['service_tier']),
      ...readTools(body),
    };
  },
  spendTerms: responsesSpend,
  answerFacts: responsesFacts,
  assembler: () => new ResponsesAssembler(),
  streamEvents: responsesEvents,
  isUsageOnly: () => false,
  errorBody: openAiErrorBody,
  errorEvent: (shape) => ({
    event: 'error',
    data: JSON.stringify({
      type: 'error',
      code: shape.code,
      message: shape.message,
      param: shape.param ?? null,
    }),
  }),
};

/** What the provider keeps may stand in for an input. */
function bringsOwnInput(body: JsonObject): boolean {
  const kept = isSaid(body['prompt']) || isSaid(body['previous_response_id']);
  return body['input'] === undefined && (kept || isSaid(body['conversation']));
}
