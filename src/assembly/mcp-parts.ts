import type { McpServerConfig, McpToolConfig } from '../config/mcp-config.ts';
import { digestOf } from '../kernel/digest.ts';
import type { McpServerPolicy, McpToolPolicy } from '../mcp/server-policy.ts';
import { ServerCache } from '../mcp/server-cache.ts';
import type { ServerPlace } from '../mcp/open-server.ts';
import type { ToolParts } from './tool-parts.ts';

/** Where the server of a configuration is. */
export function placeOf(server: McpServerConfig): ServerPlace {
  const { command, env, cwd, url, headers, maxMessageBytes } = server;
  if (command === undefined) return { kind: 'url', url: url!, headers, maxMessageBytes };
  return { kind: 'command', command: command as [string], env, cwd, maxMessageBytes };
}

/** What is kept of that server. */
export function serverCacheOf(server: McpServerConfig, tools: ToolParts): ServerCache {
  const { ttlMs, maxAnswerBytes } = tools.cache.policy;
  const policy: McpServerPolicy = {
    name: server.name,
    identity: digestOf(
      JSON.stringify([server.command, server.env, server.cwd, server.url, server.headers]),
    ),
    listsMs: server.listsMs,
    readsMs: server.readsMs,
    tools: new Map(server.tools.map((tool) => [tool.name, policyOf(tool, ttlMs, maxAnswerBytes)])),
  };
  return new ServerCache({ policy, cache: tools.cache, writes: tools.newWrites() });
}

function policyOf(tool: McpToolConfig, ttlMs: number, maxBytes: number): McpToolPolicy {
  return { ...tool, ttlMs: tool.ttlMs ?? ttlMs, maxBytes: tool.maxBytes ?? maxBytes };
}
