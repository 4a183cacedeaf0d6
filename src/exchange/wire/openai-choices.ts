import { arrayOf, isObject, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { AnswerFacts } from '../dialect.ts';
import { openAiUsage } from './openai-usage.ts';
import { worst, type UnfitReason } from './unfit.ts';

/** The facts of an answer made of choices: a chat completion or a legacy completion. */
export function choicesFacts(answer: JsonObject): AnswerFacts {
  const unfit = new Set<UnfitReason>();
  if (isObject(answer['error'])) unfit.add('error');
  // Perplexity and its like list what they fetched beside the choices.
  if (arrayOf(answer['citations']).length > 0) unfit.add('citations');
  const choices = arrayOf(answer['choices']).filter(isObject);
  if (choices.length === 0) unfit.add('incomplete');
  let outputText = '';
  for (const choice of choices) {
    noteFinish(choice['finish_reason'], unfit);
    outputText += textOf(choice['text']) ?? '';
    const message = choice['message'];
    if (!isObject(message)) continue;
    noteMessage(message, unfit);
    outputText += writtenIn(message);
  }
  return {
    model: textOf(answer['model']),
    usage: openAiUsage(answer['usage']),
    serviceTier: textOf(answer['service_tier']),
    unfit: worst(unfit),
    outputText,
  };
}

function noteFinish(reason: JsonValue | undefined, unfit: Set<UnfitReason>): void {
  if (typeof reason !== 'string') unfit.add('incomplete');
  else if (reason === 'content_filter') unfit.add('filtered');
  // OpenRouter's word for a provider that failed after the answer had begun.
  else if (reason === 'error') unfit.add('error');
}

function noteMessage(message: JsonObject, unfit: Set<UnfitReason>): void {
  if ((textOf(message['refusal']) ?? '') !== '') unfit.add('refused');
  const cites = arrayOf(message['annotations']).some(
    (each) => isObject(each) && each['type'] === 'url_citation',
  );
  if (cites) unfit.add('citations');
}

/** All that the model wrote in a message: reasoning, text, refusal, the arguments of its calls. */
function writtenIn(message: JsonObject): string {
  let text = reasoningIn(message) + (textOf(message['content']) ?? '');
  text += textOf(message['refusal']) ?? '';
  for (const call of arrayOf(message['tool_calls'])) {
    if (!isObject(call)) continue;
    text += calledIn(call['function'], 'arguments') + calledIn(call['custom'], 'input');
  }
  return text + calledIn(message['function_call'], 'arguments');
}

/** OpenRouter says its reasoning twice, as text and in parts; it counts once. */
function reasoningIn(message: JsonObject): string {
  const told = textOf(message['reasoning_content']) ?? textOf(message['reasoning']);
  if (told !== undefined) return told;
  let text = '';
  for (const part of arrayOf(message['reasoning_details'])) {
    if (isObject(part)) text += textOf(part['text']) ?? textOf(part['summary']) ?? '';
  }
  return text;
}

function calledIn(call: JsonValue | undefined, argument: string): string {
  if (!isObject(call)) return '';
  return (textOf(call['name']) ?? '') + (textOf(call[argument]) ?? '');
}
