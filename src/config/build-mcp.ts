import { resolve } from 'node:path';
import type { McpConfig, McpServerConfig } from './mcp-config.ts';
import type { ConfigValues } from './schema.ts';

type ServerValues = ConfigValues['mcp']['servers'][string];

export function mcpConfig(values: ConfigValues['mcp'], directory: string): McpConfig {
  const { servers, sessions, idle } = values;
  return {
    servers: Object.entries(servers).map(([name, each]) => serverConfig(name, each, directory)),
    sessions,
    idleMs: idle,
  };
}

function serverConfig(name: string, values: ServerValues, directory: string): McpServerConfig {
  const { command, env, cwd, url, headers, tools } = values;
  return {
    name,
    command,
    env,
    cwd: cwd === undefined ? undefined : resolve(directory, cwd),
    url,
    headers,
    forwardAuthorization: values.forward_authorization,
    listsMs: values.lists,
    readsMs: values.reads,
    maxMessageBytes: values.max_message,
    tools: Object.entries(tools).map(([tool, each]) => ({
      name: tool,
      mode: each.mode,
      ttlMs: each.ttl,
      scope: each.scope,
      volatile: each.volatile,
      sets: each.sets,
      nfc: each.nfc,
      maxBytes: each.max_bytes,
      priceNanos: each.price_usd,
      invalidates: each.invalidates,
    })),
  };
}
