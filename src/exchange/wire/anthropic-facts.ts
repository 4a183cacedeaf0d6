import { arrayOf, isObject, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { AnswerFacts } from '../dialect.ts';
import { anthropicUsage } from './anthropic-usage.ts';
import { worst, type UnfitReason } from './unfit.ts';

/** The facts of an Anthropic message. */
export function messageFacts(message: JsonObject): AnswerFacts {
  const unfit = new Set<UnfitReason>();
  if (message['type'] === 'error' || isObject(message['error'])) unfit.add('error');
  if (isObject(message['container'])) unfit.add('tool-state');
  noteStop(message['stop_reason'], unfit);
  let outputText = '';
  for (const block of arrayOf(message['content'])) {
    if (isObject(block)) outputText += blockText(block, unfit);
  }
  const usage = message['usage'];
  return {
    model: textOf(message['model']),
    usage: anthropicUsage(usage),
    serviceTier: isObject(usage) ? textOf(usage['service_tier']) : undefined,
    unfit: worst(unfit),
    outputText,
  };
}

function noteStop(reason: JsonValue | undefined, unfit: Set<UnfitReason>): void {
  if (typeof reason !== 'string') unfit.add('incomplete');
  else if (reason === 'refusal') unfit.add('refused');
  else if (reason === 'pause_turn') unfit.add('tool-state');
}

/** What the model wrote in a block; notes on the way what speaks against keeping it. */
function blockText(block: JsonObject, unfit: Set<UnfitReason>): string {
  const type = textOf(block['type']) ?? '';
  if (type === 'web_search_tool_result' || type === 'web_fetch_tool_result') unfit.add('citations');
  for (const each of arrayOf(block['citations'])) {
    // Other citations quote what the request itself brought.
    if (isObject(each) && each['type'] === 'web_search_result_location') unfit.add('citations');
  }
  if (type.endsWith('tool_use')) {
    const input = block['input'];
    if (!isExact(input)) unfit.add('inexact');
    return (textOf(block['name']) ?? '') + (isObject(input) ? JSON.stringify(input) : '');
  }
  return (textOf(block['thinking']) ?? '') + (textOf(block['text']) ?? '');
}

/** False where a whole number is too large for a double: its last digits are already gone. */
function isExact(value: JsonValue | undefined): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value);
  if (Array.isArray(value)) return (value as readonly JsonValue[]).every(isExact);
  return !isObject(value) || Object.values(value).every(isExact);
}
