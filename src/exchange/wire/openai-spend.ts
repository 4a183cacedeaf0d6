import { arrayOf, isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import type { SpendTerms } from '../spend.ts';
import { isSaid } from './bound.ts';
import { openAiToolReason, searchesUnasked } from './openai-bound.ts';
import {
  addImage,
  capAboveZero,
  capIn,
  capsIn,
  eachObject,
  newTerms,
  plainTerms,
  timesIn,
  type GrowingTerms,
} from './spend-fields.ts';

/** Room for what templates add: the date and channels of a system message, the namespace around tools, instructions for tools that the model knows by name. */
const templateTokens = 256;
const toolsTokens = 256;
const knownToolTokens = 2048;

/** Parts whose text is what they bring. */
const textParts = new Set([
  'text',
  'input_text',
  'output_text',
  'refusal',
  'summary_text',
  'reasoning_text',
  'thinking',
]);

/** What decides the cost of a chat request. */
export function chatSpend(body: JsonObject): SpendTerms {
  const terms = newTerms();
  const overhead = readTools(body, terms);
  if (searchesUnasked(body)) terms.open.add('server-tool');
  // Brokers choose among several models; rejected predictions are billed beside the answer.
  if (isSaid(body['models'])) terms.open.add('price-unknown');
  if (isSaid(body['prediction'])) terms.open.add('output-unknown');
  readLifetime(body, terms);
  eachObject(body['messages'], (message) => readMessage(message, terms));
  return {
    ...plainTerms,
    ...terms,
    ...capsIn(capAboveZero, body, 'max_completion_tokens', 'max_tokens'),
    leastCap: 1,
    answers: timesIn(body, 'n'),
    thinks:
      isSaid(body['thinking']) || isSaid(body['reasoning']) || isSaid(body['enable_thinking']),
    overhead,
  };
}

function readMessage(message: JsonObject, terms: GrowingTerms): void {
  // An assistant's spoken answer is named by id alone.
  if (isSaid(message['audio'])) terms.open.add('stored-input');
  eachObject(message['content'], (part) => readPart(part, terms));
  // Images that a model made and that come back with the history.
  eachObject(message['images'], (part) => readPart(part, terms));
}

/** What decides the cost of a responses request. */
export function responsesSpend(body: JsonObject): SpendTerms {
  const terms = newTerms();
  const overhead = readTools(body, terms);
  for (const name of ['previous_response_id', 'conversation', 'prompt']) {
    if (isSaid(body[name])) terms.open.add('stored-input');
  }
  // Condensing the history is a piece of writing of its own.
  if (isSaid(body['context_management'])) terms.open.add('server-tool');
  readLifetime(body, terms);
  eachObject(body['input'], (item) => readItem(item, terms));
  return {
    ...plainTerms,
    ...terms,
    ...capsIn(capAboveZero, body, 'max_output_tokens'),
    leastCap: 16,
    searches: searchesIn(body),
    thinks: isSaid(body['reasoning']),
    runsOn: isSaid(body['background']) && body['background'] !== false,
    overhead,
  };
}

function readItem(item: JsonObject, terms: GrowingTerms): void {
  const type = textOf(item['type']);
  if (type === 'item_reference' || (type === undefined && !isSaid(item['role']))) {
    terms.open.add('stored-input');
  }
  if (type === 'image_generation_call' && isSaid(item['result'])) addImage(terms, undefined);
  eachObject(item['tools'], (tool) => readTool(tool, terms));
  eachObject(item['content'], (part) => readPart(part, terms));
  const output = item['output'];
  if (isObject(output)) readPart(output, terms);
  else eachObject(output, (part) => readPart(part, terms));
}

/** Text is covered by its bytes, an image by its ceiling; of anything else nobody can say. */
function readPart(part: JsonObject, terms: GrowingTerms): void {
  const type = textOf(part['type']) ?? 'text';
  if (textParts.has(type)) return;
  const image = part['image_url'];
  const file = isObject(part['file']) ? part['file'] : part;
  if (type === 'image_url' || type === 'input_image' || type === 'computer_screenshot') {
    addImage(terms, isObject(image) ? image['url'] : image);
  } else if (isSaid(file['file_id'])) terms.open.add('stored-input');
  else if (isSaid(file['file_url'])) terms.open.add('remote-input');
  else if (/image|file|audio|video|document/.test(type)) terms.open.add('media-input');
  // Logs of tools that ran, and what vendors add, are text; what names an address is not.
  else if (isSaid(part['url']) || isSaid(part[`${type}_url`])) terms.open.add('remote-input');
}

/** What decides the cost of a legacy completion: each of its prompts gets its own answers, and all that are drawn are billed. */
export function completionsSpend(body: JsonObject): SpendTerms {
  const prompts = arrayOf(body['prompt']);
  const several = prompts.some((prompt) => typeof prompt !== 'number') ? prompts.length : 1;
  return {
    ...plainTerms,
    ...newTerms(),
    ...capsIn(capIn, body, 'max_tokens'),
    usualCap: 16,
    leastCap: 1,
    answers: Math.max(timesIn(body, 'n'), timesIn(body, 'best_of')) * Math.max(1, several),
    overhead: templateTokens,
  };
}

/** What decides the cost of embeddings: their input alone. */
export function embeddingsSpend(body: JsonObject): SpendTerms {
  const terms = newTerms();
  // Some servers take images and recordings beside texts.
  eachObject(body['input'], () => terms.open.add('media-input'));
  // Tokenizers may begin each text with tokens of their own.
  const texts = Array.isArray(body['input']) ? body['input'].length : 1;
  return { ...plainTerms, ...terms, answers: 0, overhead: templateTokens + 4 * texts };
}

/** @returns what templates may add for the tools. */
function readTools(body: JsonObject, terms: GrowingTerms): number {
  const tools = body['tools'];
  if (!isSaid(tools)) return templateTokens + (isSaid(body['functions']) ? toolsTokens : 0);
  let overhead = templateTokens + toolsTokens;
  eachObject(tools, (tool) => {
    readTool(tool, terms);
    const type = textOf(tool['type']) ?? 'function';
    if (type !== 'function' && type !== 'namespace') overhead += knownToolTokens;
  });
  return overhead;
}

function readTool(tool: JsonObject, terms: GrowingTerms): void {
  if (openAiToolReason(tool) !== undefined) terms.open.add('server-tool');
}

/** Searches at most, where search is all that the provider runs and the request says how often; else 0, and the tool stays open. */
function searchesIn(body: JsonObject): number {
  const most = capIn(body, 'max_tool_calls');
  const ran = arrayOf(body['tools']).filter(
    (tool): tool is JsonObject => isObject(tool) && openAiToolReason(tool) !== undefined,
  );
  const isSearch = (tool: JsonObject): boolean =>
    textOf(tool['type'])?.startsWith('web_search') === true;
  return most !== undefined && ran.length > 0 && ran.every(isSearch) ? most : 0;
}

function readLifetime(body: JsonObject, terms: GrowingTerms): void {
  const names = ['prompt_cache_retention', 'prompt_cache_options'];
  terms.longWrites = names.some((name) => isSaid(body[name]));
}
