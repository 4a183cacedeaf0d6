import { countOf } from '../../kernel/json.ts';
import type { Dialect } from '../dialect.ts';
import { noUsage } from '../usage.ts';
import { anthropicBound } from './anthropic-bound.ts';
import { anthropicErrorBody, anthropicErrorEvent } from './anthropic-errors.ts';
import { anthropicInert, anthropicNames } from './anthropic-messages.ts';
import { messagesSpend } from './anthropic-spend.ts';
import { readMessages, readModel } from './request-fields.ts';
import { unstreamed } from './unstreamed.ts';

/** Anthropic's counting of tokens: one number, free of charge. */
export const anthropicCountTokens: Dialect = {
  ...unstreamed,
  name: 'anthropic-count-tokens',
  growing: 'messages',
  inert: anthropicInert,
  requestFacts(body) {
    readMessages(body);
    return {
      model: readModel(body),
      stream: false,
      streamUsage: true,
      sampling: 'greedy',
      bound: anthropicBound(body),
      ...anthropicNames(body),
      serviceTier: undefined,
    };
  },
  spendTerms: messagesSpend,
  answerFacts(answer) {
    const counted = countOf(answer['input_tokens']) !== undefined;
    return {
      model: undefined,
      // The tokens counted are not tokens used: the provider bills nothing for the counting.
      usage: counted ? noUsage : undefined,
      serviceTier: undefined,
      unfit: counted ? undefined : 'error',
      outputText: '',
    };
  },
  errorBody: anthropicErrorBody,
  errorEvent: anthropicErrorEvent,
};
