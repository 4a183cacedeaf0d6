import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** Why an equal request may not get an equal answer, and so is neither answered from store nor stored. */
export const boundReasons = {
  'previous-response': 'It goes on from a response that the provider keeps.',
  conversation: 'It adds to a conversation that the provider keeps.',
  stored: 'It asks the provider to keep the answer for later use (`store: true`).',
  background: 'It starts a job whose answer is fetched later.',
  'stored-prompt': 'Its prompt lies at the provider and may change there.',
  'item-reference': 'It names an item of an earlier response by id.',
  'stored-file': 'It names a file or an audio answer that lies at the provider.',
  'remote-content': 'It names content by URL, which may change.',
  'server-tool': 'The provider runs tools for it (search, code, MCP) whose results change.',
  container: 'It runs in a container that keeps state from call to call.',
} as const;

export type BoundReason = keyof typeof boundReasons;

/** True for a URL that is fetched; `data:` URLs carry their content with them. */
export function isRemote(url: JsonValue | undefined): boolean {
  return typeof url === 'string' && /^https?:/i.test(url);
}

/** True where a member says something: not left out, null, false or an empty list. */
export function isSaid(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false) return false;
  return !(Array.isArray(value) && value.length === 0);
}

/** The first reason that some object in `values` gives. Plain texts, the bulk of all content, are passed over. */
export function firstReason(
  values: JsonValue | undefined,
  reasonOf: (value: JsonObject) => BoundReason | undefined,
): BoundReason | undefined {
  if (!Array.isArray(values)) return undefined;
  for (const value of values as readonly JsonValue[]) {
    const reason = isObject(value) ? reasonOf(value) : undefined;
    if (reason !== undefined) return reason;
  }
  return undefined;
}
