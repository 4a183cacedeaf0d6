import { userInfo, hostname } from 'node:os';
import { Command } from 'commander';
import { assemble, type Assembly } from '../assembly/assembly.ts';
import type { Config } from '../config/config.ts';
import { secretsOf } from '../config/secrets.ts';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import type { McpServerConfig } from '../config/mcp-config.ts';
import { isLoopback } from '../config/semantics.ts';
import { systemClock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { Signals } from '../kernel/signals.ts';
import { placeOf, serverCacheOf } from '../assembly/mcp-parts.ts';
import { openServer } from '../mcp/open-server.ts';
import { HttpServing } from '../mcp/serve-http.ts';
import { serveStdio } from '../mcp/serve-stdio.ts';
import { suggestionsFor, type Suggestion } from '../mcp/suggest.ts';
import { logSignals } from '../telemetry/log.ts';
import { print, printError, printJson, writeError } from './output.ts';
import { untilStopped } from './serve.ts';

interface McpFlags {
  readonly config?: string;
  readonly listen?: string;
  readonly user?: string;
  readonly suggest?: boolean;
  readonly json?: boolean;
}

/** `economizer mcp` */
export function mcpCommand(): Command {
  return new Command('mcp')
    .description(
      'Stands in front of a server of the Model Context Protocol and answers from its cache what the configuration lets it (mcp.servers). Speaks over standard input and output, or over streamable HTTP with --listen.',
    )
    .argument(
      '[server]',
      'the name of the server in mcp.servers; may be left out where there is one',
    )
    .option('--config <file>', 'configuration file (default: economizer.yaml, if there is one)')
    .option('--listen <address>', 'serve over streamable HTTP here, such as 127.0.0.1:8788')
    .option(
      '--user <name>',
      'whose calls these are, over standard input and output (default: who runs it)',
    )
    .option('--suggest', 'print what the server’s own annotations suggest for each tool, and end')
    .option('--json', 'print one JSON object (with --suggest or --listen)')
    .action(async (name: string | undefined, flags: McpFlags) => {
      const config = await loadConfig({ file: flags.config, environment: processEnvironment() });
      const server = serverNamed(config, name);
      if (flags.suggest === true) await suggest(server, flags);
      else await serve(config, server, flags);
    });
}

/** @throws EconomizerError `ECO_USAGE`. */
function serverNamed({ mcp }: Config, name: string | undefined): McpServerConfig {
  const names = mcp.servers.map((each) => each.name);
  const only = names.length === 1 ? mcp.servers[0] : undefined;
  const found = name === undefined ? only : mcp.servers.find((each) => each.name === name);
  if (found !== undefined) return found;
  const advice =
    names.length === 0
      ? 'Describe the server under mcp.servers in the configuration first; docs/guide/tools.md shows how.'
      : `Name one of the servers in mcp.servers: ${names.join(', ')}.`;
  throw new EconomizerError('ECO_USAGE', advice);
}

async function suggest(server: McpServerConfig, flags: McpFlags): Promise<void> {
  const tools = await suggestionsFor(placeOf(server));
  if (flags.json === true) printJson({ server: server.name, tools });
  else print(suggestionText(server.name, tools));
}

/** Lines for the configuration file; what the annotations say stands behind each. */
export function suggestionText(server: string, tools: readonly Suggestion[]): string {
  const lines = tools.map(
    ({ tool, mode, because }) => `        ${JSON.stringify(tool)}: { mode: ${mode} } # ${because}`,
  );
  const head = `# What ${server} says of its own tools. Nothing is kept until you have read it and put it into the configuration.`;
  return [head, 'mcp:', '  servers:', `    ${server}:`, '      tools:', ...lines].join('\n');
}

async function serve(config: Config, server: McpServerConfig, flags: McpFlags): Promise<void> {
  const signals = new Signals();
  const secrets = secretsOf(config);
  logSignals({ ...config.log, signals, clock: systemClock, secrets, write: writeError });
  const assembly = assemble({ config, clock: systemClock, signals });
  try {
    await assembly.ready();
    await (flags.listen === undefined
      ? overStdio(server, { assembly, signals, flags })
      : overHttp(config, server, { assembly, signals, flags }));
  } finally {
    await assembly.close();
  }
}

interface Serving {
  readonly assembly: Assembly;
  readonly signals: Signals;
  readonly flags: McpFlags;
}

const tenant = 'default';

async function overStdio(
  server: McpServerConfig,
  { assembly, signals, flags }: Serving,
): Promise<void> {
  const place = placeOf(server);
  const serving = await serveStdio({
    name: server.name,
    open: () => openServer(place),
    cache: serverCacheOf(server, assembly.tools),
    clock: systemClock,
    signals,
    tenant,
    user: flags.user ?? `${userInfo().username}@${hostname()}`,
    input: process.stdin,
    output: process.stdout,
  });
  const stopped = untilStopped({
    gateway: { stop: () => serving.stop() },
    process,
    clock: systemClock,
  });
  await Promise.race([serving.ended, stopped]);
}

async function overHttp(
  { mcp }: Config,
  server: McpServerConfig,
  { assembly, signals, flags }: Serving,
): Promise<void> {
  const place = placeOf(server);
  const serving = new HttpServing({
    ...addressOf(flags.listen!),
    name: server.name,
    open: (shown) => openServer(place, server.forwardAuthorization ? shown : undefined),
    cache: serverCacheOf(server, assembly.tools),
    clock: systemClock,
    signals,
    tenant,
    sessionsMax: mcp.sessions,
    idleMs: mcp.idleMs,
    maxMessageBytes: server.maxMessageBytes,
  });
  const url = await serving.listen();
  if (flags.json === true) printJson({ url, process: process.pid });
  else printError(`Economizer serves ${server.name} on ${url}.`);
  await untilStopped({ gateway: { stop: () => serving.close() }, process, clock: systemClock });
}

/** @throws EconomizerError `ECO_USAGE`. */
export function addressOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([0-9a-f:]+)\]|([^:[\]]+)):)?(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '127.0.0.1';
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new EconomizerError('ECO_USAGE', 'Write --listen as HOST:PORT, such as 127.0.0.1:8788.');
  }
  if (!isLoopback(host)) {
    throw new EconomizerError(
      'ECO_USAGE',
      `Listen on 127.0.0.1 instead of ${host}: whoever reaches this port uses the server with your credentials, so only this machine is served.`,
    );
  }
  return { host, port };
}
