import { isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import { sessionOfPerson } from '../session-name.ts';
import type { Dialect, RequestFacts } from '../dialect.ts';
import { MessageAssembler } from './anthropic-assembler.ts';
import { anthropicBound } from './anthropic-bound.ts';
import { anthropicErrorBody, anthropicErrorEvent } from './anthropic-errors.ts';
import { messageEvents } from './anthropic-events.ts';
import { messageFacts } from './anthropic-facts.ts';
import {
  nameIn,
  readFlag,
  readMessages,
  readModel,
  readSampling,
  readTools,
} from './request-fields.ts';
import { messagesSpend } from './anthropic-spend.ts';

/** Request members of Anthropic's dialects that cannot change what the model writes. */
export const anthropicInert: ReadonlySet<string> = new Set([
  // How the answer is carried, not what it says.
  'stream',
  // An opaque name for abuse reports; no model sees it.
  'metadata',
  // The queue that serves; the model is the same in each.
  'service_tier',
]);

/** Anthropic's messages. */
export const anthropicMessages: Dialect = {
  name: 'anthropic-messages',
  growing: 'messages',
  inert: anthropicInert,
  requestFacts(body) {
    readMessages(body);
    return {
      model: readModel(body),
      stream: readFlag(body, 'stream'),
      streamUsage: true,
      sampling: readSampling(body),
      bound: anthropicBound(body),
      ...anthropicNames(body),
      serviceTier: textOf(body['service_tier']),
      ...readTools(body),
    };
  },
  spendTerms: messagesSpend,
  answerFacts: messageFacts,
  assembler: () => new MessageAssembler(),
  streamEvents: messageEvents,
  isUsageOnly: () => false,
  errorBody: anthropicErrorBody,
  errorEvent: anthropicErrorEvent,
};

/** Claude Code hides its session in `user_id`: `user_..._session_<uuid>`, or JSON text with a `session_id`. */
const sessionInUserId = /(?:_session_|"session_id"\s*:\s*")([0-9A-Za-z-]{8,64})/;

/** The caller's names in Anthropic's `metadata`. A `user_id` without a session in it names a person; see `readNames`. */
export function anthropicNames(body: JsonObject): Pick<RequestFacts, 'agent' | 'session'> {
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const user = textOf(metadata['user_id']);
  const found = sessionInUserId.exec(user ?? '');
  return {
    agent: nameIn(metadata['agent']),
    session:
      nameIn(metadata['session']) ??
      nameIn(metadata['session_id']) ??
      found?.[1] ??
      sessionOfPerson(nameIn(user)),
  };
}
