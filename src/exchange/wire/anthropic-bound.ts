import { isObject, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { firstReason, isRemote, isSaid, type BoundReason } from './bound.ts';

/** Tools that the caller runs itself, or that only choose among the request's own; all others run at the provider. */
const clientTools =
  /^(?:custom|bash_|text_editor_|computer_|memory_|browser_toolset_|tool_search_tool_)/;

/** What binds an Anthropic request to state outside itself. */
export function anthropicBound(body: JsonObject): BoundReason | undefined {
  if (isSaid(body['container'])) return 'container';
  if (isSaid(body['mcp_servers'])) return 'server-tool';
  return (
    firstReason(body['tools'], toolReason) ??
    firstReason(body['messages'], (message) => firstReason(message['content'], blockReason))
  );
}

function toolReason(tool: JsonObject): BoundReason | undefined {
  return runsAtProvider(tool) ? 'server-tool' : undefined;
}

/** True for a tool that Anthropic runs itself. */
export function runsAtProvider(tool: JsonObject): boolean {
  const type = textOf(tool['type']);
  return type !== undefined && !clientTools.test(type);
}

function blockReason(block: JsonObject): BoundReason | undefined {
  if (block['type'] === 'container_upload') return 'stored-file';
  // Tool results and composed documents hold blocks of their own.
  return sourceReason(block['source']) ?? firstReason(block['content'], blockReason);
}

function sourceReason(source: JsonValue | undefined): BoundReason | undefined {
  if (!isObject(source)) return undefined;
  if (source['type'] === 'file' || isSaid(source['file_id'])) return 'stored-file';
  if (isRemote(source['url'])) return 'remote-content';
  return firstReason(source['content'], blockReason);
}
