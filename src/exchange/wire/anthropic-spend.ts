import { arrayOf, countOf, isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import type { SpendTerms } from '../spend.ts';
import { runsAtProvider } from './anthropic-bound.ts';
import { isSaid } from './bound.ts';
import {
  capIn,
  capsIn,
  eachObject,
  newTerms,
  plainTerms,
  type GrowingTerms,
} from './spend-fields.ts';

/** Room for what Anthropic adds: its own lines, 264 to 530 tokens for tools (platform.claude.com, tool use pricing), up to 735 and a system prompt of 499 for a tool that it knows by name. */
const templateTokens = 256;
const toolsTokens = 1024;
const knownToolTokens = 2048;

/** What decides the cost of an Anthropic message. */
export function messagesSpend(body: JsonObject): SpendTerms {
  const terms = newTerms();
  const overhead = readTools(body, terms);
  if (isSaid(body['mcp_servers']) || isSaid(body['container'])) terms.open.add('server-tool');
  // Fast mode is sold at several times the price.
  if (body['speed'] === 'fast') terms.open.add('price-unknown');
  if (condenses(body)) terms.open.add('server-tool');
  readLifetime(body, terms);
  eachObject(body['system'], (block) => readBlock(block, terms));
  eachObject(body['messages'], (message) => {
    eachObject(message['content'], (block) => readBlock(block, terms));
  });
  return {
    ...plainTerms,
    ...terms,
    ...capsIn(capIn, body, 'max_tokens'),
    leastCap: leastCap(body),
    searches: searchesIn(body),
    thinks: isObject(body['thinking']) && body['thinking']['type'] !== 'disabled',
    overhead,
  };
}

/** What the model thinks counts to its cap, and the cap must be larger than the budget for it. */
function leastCap(body: JsonObject): number {
  const thinking = body['thinking'];
  const budget = isObject(thinking) ? countOf(thinking['budget_tokens']) : undefined;
  return budget === undefined ? 1 : budget + 1;
}

/** Condensing the history at the provider is a piece of writing of its own. */
function condenses(body: JsonObject): boolean {
  const management = body['context_management'];
  const edits = isObject(management) ? arrayOf(management['edits']) : [];
  return edits.some(
    (edit) => isObject(edit) && textOf(edit['type'])?.startsWith('compact') === true,
  );
}

function readTools(body: JsonObject, terms: GrowingTerms): number {
  if (!isSaid(body['tools'])) return templateTokens;
  let overhead = templateTokens + toolsTokens;
  eachObject(body['tools'], (tool) => {
    readLifetime(tool, terms);
    if (runsAtProvider(tool)) terms.open.add('server-tool');
    if ((textOf(tool['type']) ?? 'custom') !== 'custom') overhead += knownToolTokens;
  });
  return overhead;
}

/** Searches at most, where search is all that the provider runs and every such tool says how often. */
function searchesIn(body: JsonObject): number {
  let most = 0;
  for (const tool of arrayOf(body['tools'])) {
    if (!isObject(tool) || !runsAtProvider(tool)) continue;
    const uses = countOf(tool['max_uses']);
    if (uses === undefined || textOf(tool['type'])?.startsWith('web_search') !== true) return 0;
    most += uses;
  }
  return most;
}

function readBlock(block: JsonObject, terms: GrowingTerms): void {
  readLifetime(block, terms);
  const { type, source } = block;
  if (type === 'container_upload') terms.open.add('server-tool');
  else if (type === 'image') readImage(source, terms);
  else if (isObject(source)) readDocument(source, terms);
  // Tool results and composed documents hold blocks of their own.
  eachObject(block['content'], (inner) => readBlock(inner, terms));
}

function readImage(source: JsonObject[string], terms: GrowingTerms): void {
  terms.images++;
  const data = isObject(source) ? textOf(source['data']) : undefined;
  if (data !== undefined) terms.imageBytes += data.length;
}

function readDocument(source: JsonObject, terms: GrowingTerms): void {
  if (source['type'] === 'file' || isSaid(source['file_id'])) terms.open.add('stored-input');
  else if (isSaid(source['url'])) terms.open.add('remote-input');
  else if (source['type'] === 'base64') terms.open.add('media-input');
  eachObject(source['content'], (inner) => readBlock(inner, terms));
}

function readLifetime(holder: JsonObject, terms: GrowingTerms): void {
  const mark = holder['cache_control'];
  if (isObject(mark) && isSaid(mark['ttl']) && mark['ttl'] !== '5m') terms.longWrites = true;
}
