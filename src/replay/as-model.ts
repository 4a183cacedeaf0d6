import { EconomizerError } from '../kernel/errors.ts';
import { asAnthropic } from './as-anthropic.ts';
import { asOpenaiChat } from './as-openai.ts';
import { modelFamily } from './recorded-answer.ts';
import type { RecordedCall } from './recorded.ts';

/**
 * The call as it would be made of `model`, or of its own model where none is given: Claude models are asked in Anthropic's dialect,
 * all others in OpenAI's.
 * @throws EconomizerError `ECO_FILE` where the call has no form for that model.
 */
export function asModel(call: RecordedCall, model: string | undefined): RecordedCall {
  const wanted = model ?? call.model;
  const isAnthropic = call.dialect === 'anthropic-messages';
  if ((modelFamily(wanted) === 'anthropic') === isAnthropic) {
    if (wanted === call.model) return call;
    return { ...call, model: wanted, request: { ...call.request, model: wanted } };
  }
  if (call.dialect === 'openai-chat') return asAnthropic(call, wanted);
  // Recorded in one provider's own form and served by another (a compatible server): as it is.
  if (model === undefined) return call;
  if (isAnthropic) return asOpenaiChat(call, wanted);
  throw new EconomizerError(
    'ECO_FILE',
    `Calls recorded in the form "${call.dialect}" cannot be replayed as "${wanted}"; give --model a model of OpenAI's dialect.`,
  );
}
