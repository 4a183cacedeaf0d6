import { isObject, textOf, type JsonObject } from '../kernel/json.ts';
import { openServer, type ServerPlace } from './open-server.ts';
import { objectIn } from './messages.ts';
import { sdk } from './sdk.ts';
import type { ToolMode } from './server-policy.ts';

/** What the annotations of a tool suggest. They are the server's own word: nothing goes by them until somebody has written it down. */
export interface Suggestion {
  readonly tool: string;
  readonly mode: ToolMode;
  readonly because: string;
}

/** A server with more pages of tools than that is not asked further. */
const pagesMax = 100;

/** Starts the server, asks for its tools, and says what its annotations suggest for each. @throws Error as the SDK does. */
export async function suggestionsFor(place: ServerPlace): Promise<readonly Suggestion[]> {
  const { Client } = await sdk.client();
  const client = new Client({ name: 'economizer', version: '1' });
  await client.connect((await openServer(place)) as never);
  try {
    const tools: Suggestion[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const result = await client.listTools(cursor === undefined ? {} : { cursor });
      for (const tool of result.tools) tools.push(suggestionOf(tool as unknown as JsonObject));
      cursor = result.nextCursor;
      if (cursor === undefined) break;
    }
    return tools;
  } finally {
    await client.close();
  }
}

/** The protocol's defaults hold where the server says nothing: a tool may change anything, anywhere. */
export function suggestionOf(tool: JsonObject): Suggestion {
  const name = textOf(tool['name']) ?? '';
  const hints = objectIn(tool, 'annotations');
  if (!isObject(hints) || hints['readOnlyHint'] !== true) {
    const because = 'it may change things: no readOnlyHint';
    return { tool: name, mode: 'write', because };
  }
  if (hints['openWorldHint'] !== false) {
    const because =
      'readOnlyHint, but it looks at the outside world: cache it only if what it sees may be old';
    return { tool: name, mode: 'read', because };
  }
  return { tool: name, mode: 'cache', because: 'readOnlyHint, and it looks at nothing outside' };
}
