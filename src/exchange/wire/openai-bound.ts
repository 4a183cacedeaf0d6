import { isObject, textOf, type JsonObject } from '../../kernel/json.ts';
import { firstReason, isRemote, isSaid, type BoundReason } from './bound.ts';

/** Tools that the caller runs itself, or that only choose among the request's own; all others run at the provider. */
const clientTools = new Set([
  'function',
  'custom',
  'local_shell',
  'apply_patch',
  'computer',
  'computer_use_preview',
  'namespace',
  'tool_search',
]);

/** Members by which OpenAI, OpenRouter and xAI switch on a search of their own. */
const searchMembers = ['web_search_options', 'plugins', 'search_parameters'] as const;

/** Models that search whether asked or not. */
const searchingModel = /:online$|-search-(?:preview|api)|^(?:.*\/)?sonar/;

/** What binds a chat request to state outside itself. */
export function chatBound(body: JsonObject): BoundReason | undefined {
  if (body['store'] === true) return 'stored';
  if (searchesUnasked(body)) return 'server-tool';
  return (
    firstReason(body['tools'], openAiToolReason) ??
    firstReason(body['messages'], (message) =>
      // An assistant's spoken answer is named by id alone.
      isObject(message['audio']) && isSaid(message['audio']['id'])
        ? 'stored-file'
        : firstReason(message['content'], contentReason),
    )
  );
}

/** True where a chat request has the provider search without naming a tool. */
export function searchesUnasked(body: JsonObject): boolean {
  for (const name of searchMembers) if (isSaid(body[name])) return true;
  return searchingModel.test(textOf(body['model']) ?? '');
}

/** What binds a responses request to state outside itself. */
export function responsesBound(body: JsonObject): BoundReason | undefined {
  if (isSaid(body['previous_response_id'])) return 'previous-response';
  if (isSaid(body['conversation'])) return 'conversation';
  if (body['store'] === true) return 'stored';
  if (body['background'] === true) return 'background';
  if (isSaid(body['prompt'])) return 'stored-prompt';
  return firstReason(body['tools'], openAiToolReason) ?? firstReason(body['input'], itemReason);
}

function itemReason(item: JsonObject): BoundReason | undefined {
  if (item['type'] === 'item_reference') return 'item-reference';
  // Short form: an item with an id and nothing else is a reference too.
  if (!isSaid(item['type']) && !isSaid(item['role'])) return 'item-reference';
  return (
    firstReason(item['tools'], openAiToolReason) ??
    firstReason(item['content'], contentReason) ??
    outputReason(item)
  );
}

/** What a tool brought back: a list of contents, or a screenshot. */
function outputReason(item: JsonObject): BoundReason | undefined {
  const output = item['output'];
  return isObject(output) ? contentReason(output) : firstReason(output, contentReason);
}

function contentReason(part: JsonObject): BoundReason | undefined {
  const file = isObject(part['file']) ? part['file'] : part;
  if (isSaid(file['file_id'])) return 'stored-file';
  const image = part['image_url'];
  const url = isObject(image) ? image['url'] : image;
  return isRemote(url) || isRemote(file['file_url']) ? 'remote-content' : undefined;
}

/** Why a tool binds the request: the provider runs it. */
export function openAiToolReason(tool: JsonObject): BoundReason | undefined {
  const type = textOf(tool['type']) ?? 'function';
  if (type === 'shell') {
    // Only a shell that says so runs at the caller's; the provider's own keeps a container.
    const environment = tool['environment'];
    const local = isObject(environment) && environment['type'] === 'local';
    return local ? undefined : 'container';
  }
  if (type === 'namespace') return firstReason(tool['tools'], openAiToolReason);
  return clientTools.has(type) ? undefined : 'server-tool';
}
