import { arrayOf, countOf, isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import type { AnswerFacts } from '../dialect.ts';
import type { Usage } from '../usage.ts';
import { openAiUsage } from './openai-usage.ts';
import { worst, type UnfitReason } from './unfit.ts';

/** The facts of a response, as a plain call or the closing event of a stream brings it. */
export function responsesFacts(response: JsonObject): AnswerFacts {
  const unfit = new Set<UnfitReason>();
  noteStatus(response, unfit);
  let outputText = '';
  for (const item of arrayOf(response['output'])) {
    if (isObject(item)) outputText += itemText(item, unfit);
  }
  return {
    model: textOf(response['model']),
    usage: usageOf(response),
    serviceTier: textOf(response['service_tier']),
    unfit: worst(unfit),
    outputText,
  };
}

function noteStatus(response: JsonObject, unfit: Set<UnfitReason>): void {
  const status = response['status'];
  const details = response['incomplete_details'];
  if (isObject(response['error']) || status === 'failed') unfit.add('error');
  if (isObject(details) && details['reason'] === 'content_filter') unfit.add('filtered');
  // Queued, running and cancelled responses are not answers yet; servers without a status answer whole.
  else if (status !== undefined && status !== 'completed') unfit.add('incomplete');
  if (!Array.isArray(response['output'])) unfit.add('incomplete');
}

/** What the model wrote in an item; notes on the way what speaks against keeping it. */
function itemText(item: JsonObject, unfit: Set<UnfitReason>): string {
  let text = textOf(item['name']) ?? '';
  text += textOf(item['arguments']) ?? textOf(item['input']) ?? '';
  for (const part of [...arrayOf(item['summary']), ...arrayOf(item['content'])]) {
    if (!isObject(part)) continue;
    if (part['type'] === 'refusal') unfit.add('refused');
    for (const each of arrayOf(part['annotations'])) {
      if (isObject(each) && each['type'] === 'url_citation') unfit.add('citations');
    }
    text += textOf(part['text']) ?? textOf(part['refusal']) ?? '';
  }
  return text;
}

function usageOf(response: JsonObject): Usage | undefined {
  const usage = openAiUsage(response['usage']);
  return usage === undefined ? undefined : { ...usage, webSearches: searchesIn(response) };
}

/** Searches that are billed: as the provider counts them, else as they appear in the output. */
function searchesIn(response: JsonObject): number {
  const tools = response['tool_usage'];
  const search = isObject(tools) ? tools['web_search'] : undefined;
  const counted = isObject(search) ? countOf(search['num_requests']) : undefined;
  if (counted !== undefined) return counted;
  return arrayOf(response['output']).filter(
    (item) => isObject(item) && item['type'] === 'web_search_call',
  ).length;
}
