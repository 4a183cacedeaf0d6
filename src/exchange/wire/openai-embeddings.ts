import { arrayOf, isObject, textOf } from '../../kernel/json.ts';
import type { AnswerFacts, Dialect } from '../dialect.ts';
import { openAiErrorBody, openAiErrorEvent } from './openai-errors.ts';
import { openAiInert } from './openai-inert.ts';
import { embeddingsSpend } from './openai-spend.ts';
import { openAiUsage } from './openai-usage.ts';
import { readModel, readNames, readTextOrList } from './request-fields.ts';
import { unstreamed } from './unstreamed.ts';
import type { UnfitReason } from './unfit.ts';

/** OpenAI's embeddings: no sampling, no streams, the best of all things to keep. */
export const openAiEmbeddings: Dialect = {
  ...unstreamed,
  name: 'openai-embeddings',
  growing: undefined,
  inert: openAiInert,
  requestFacts(body) {
    readTextOrList(body, 'input');
    return {
      model: readModel(body),
      stream: false,
      streamUsage: true,
      sampling: 'greedy',
      bound: undefined,
      ...readNames(body),
      serviceTier: textOf(body['service_tier']),
    };
  },
  spendTerms: embeddingsSpend,
  answerFacts(answer): AnswerFacts {
    let unfit: UnfitReason | undefined;
    if (isObject(answer['error'])) unfit = 'error';
    else if (arrayOf(answer['data']).length === 0) unfit = 'incomplete';
    return {
      model: textOf(answer['model']),
      usage: openAiUsage(answer['usage']),
      serviceTier: undefined,
      unfit,
      outputText: '',
    };
  },
  errorBody: openAiErrorBody,
  errorEvent: openAiErrorEvent,
};
