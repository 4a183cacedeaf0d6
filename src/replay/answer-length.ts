import { dialects } from '../exchange/wire/index.ts';
import type { OutputTokens } from './provider/billing-brain.ts';
import type { Tokenizer } from './provider/tokenizer.ts';
import type { RecordedCall } from './recorded.ts';

/** Output tokens of a recorded answer: what its record counted, else what we count. */
export function answerLength(call: RecordedCall, tokenizer: Tokenizer): OutputTokens {
  const { usage, outputText } = dialects[call.dialect].answerFacts(call.answer);
  if (usage !== undefined && usage.output + usage.reasoning > 0) {
    return { output: usage.output, reasoning: usage.reasoning };
  }
  return { output: tokenizer.ids(outputText).length, reasoning: 0 };
}
