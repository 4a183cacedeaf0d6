import { partOf } from '../cache/tools/touched.ts';
import { textOf, type JsonObject } from '../kernel/json.ts';
import { objectIn, type RpcRequest } from './messages.ts';
import type { McpServerPolicy, McpToolPolicy } from './server-policy.ts';

/** What a request is to the cache. */
export type RequestKind =
  /** Results of this method say themselves how long they hold. */
  | { readonly kind: 'hinted'; readonly usualMs: number; readonly groups: readonly string[] }
  | { readonly kind: 'tool'; readonly name: string; readonly policy: McpToolPolicy }
  | { readonly kind: 'write'; readonly invalidates: McpToolPolicy['invalidates'] }
  | { readonly kind: 'pass' };

/** Lists by the group that they are invalidated with; see `notifiedGroups`. */
const lists: Readonly<Record<string, string>> = {
  'server/discover': 'tools',
  'tools/list': 'tools',
  'prompts/list': 'prompts',
  'resources/list': 'resources',
  'resources/templates/list': 'resources',
};

/** Requests that change nothing at the server which anybody's results could show. */
const harmless = new Set([
  'initialize',
  'ping',
  'completion/complete',
  'logging/setLevel',
  'prompts/get',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
]);

const pass: RequestKind = { kind: 'pass' };

/** What may be kept of the answer to a request, or what the request may touch. Whatever we do not know may change anything. */
export function kindOf({ method, params }: RpcRequest, policy: McpServerPolicy): RequestKind {
  const group = lists[method];
  if (group !== undefined || method === 'resources/read') {
    if (isContinued(params)) return pass;
    const usualMs = group === undefined ? policy.readsMs : policy.listsMs;
    return { kind: 'hinted', usualMs, groups: group === undefined ? readGroups(params) : [group] };
  }
  if (method !== 'tools/call') {
    return harmless.has(method) ? pass : { kind: 'write', invalidates: 'all' };
  }
  const name = textOf(params?.['name']) ?? '';
  const tool = policy.tools.get(name);
  if (tool === undefined) return { kind: 'write', invalidates: 'all' };
  if (tool.mode === 'write') return { kind: 'write', invalidates: tool.invalidates };
  const isPlain = !isContinued(params) && params?.['task'] === undefined;
  return tool.mode === 'cache' && isPlain ? { kind: 'tool', name, policy: tool } : pass;
}

/** A further round of a request whose answer depends on what was said in the rounds before. */
function isContinued(params: JsonObject | undefined): boolean {
  return params?.['inputResponses'] !== undefined || params?.['requestState'] !== undefined;
}

function readGroups(params: JsonObject | undefined): readonly string[] {
  return ['reads', `reads:${partOf(textOf(params?.['uri']) ?? '')}`];
}

/** What a notification of the server makes invalid; empty for one that says nothing of the kind. */
export function notifiedGroups(method: string, params: JsonObject | undefined): readonly string[] {
  switch (method) {
    case 'notifications/tools/list_changed':
      // A tool that is another now gives other results too.
      return ['tools', 'calls'];
    case 'notifications/prompts/list_changed':
      return ['prompts'];
    case 'notifications/resources/list_changed':
      return ['resources', 'reads'];
    case 'notifications/resources/updated':
      return [`reads:${partOf(textOf(params?.['uri']) ?? '')}`];
    default:
      return [];
  }
}

/** Members of `_meta` that name one request or its sender and so say nothing of its answer. */
const inertMeta = new Set(['progressToken', 'traceparent', 'tracestate', 'baggage']);

/** What of `_meta` may change an answer; undefined where there is nothing. */
export function metaOf(params: JsonObject | undefined): JsonObject | undefined {
  const meta = objectIn(params, '_meta');
  if (meta === undefined) return undefined;
  const rest = Object.entries(meta).filter(([name]) => !inertMeta.has(name));
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}
