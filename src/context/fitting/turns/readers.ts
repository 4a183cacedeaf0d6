import type { DialectName } from '../../../exchange/dialect.ts';
import { anthropicTurns } from './anthropic-messages.ts';
import type { TurnReader } from './item.ts';
import { openAiChatTurns } from './openai-chat.ts';
import { openAiResponsesTurns } from './openai-responses.ts';

/** The dialects whose histories can be fitted. */
export const turnReaders: Readonly<Partial<Record<DialectName, TurnReader>>> = {
  'openai-chat': openAiChatTurns,
  'openai-responses': openAiResponsesTurns,
  'anthropic-messages': anthropicTurns,
};
