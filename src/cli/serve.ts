import { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { print, printError, printJson, reportFailure } from './output.ts';

interface ServeFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly json?: boolean;
}

/** What serving needs of the composition root. */
export interface RunningGateway {
  /** Where it listens, without a trailing slash. */
  readonly url: string;
  /** Takes no new calls, and resolves when those in flight have ended or `shutdown_grace` has passed. */
  stop(): Promise<void>;
}

/** `economizer serve` */
export function serveCommand(): Command {
  return new Command('serve')
    .description('Runs the gateway until it is told to stop (SIGTERM or Ctrl-C; twice: at once).')
    .option('--config <file>', 'configuration file (default: economizer.yaml, if there is one)')
    .option('--host <host>', 'address to listen on')
    .option('--port <port>', 'port to listen on; 0 takes any free one')
    .option('--json', 'print where it listens as one JSON object')
    .action(async (flags: ServeFlags) => {
      const config = await loadConfig({
        file: flags.config,
        environment: processEnvironment(),
        flags: { host: flags.host, port: flags.port },
      });
      const { startGateway } = await import('../main.ts');
      const gateway = await startGateway(config).catch((error: unknown) => {
        throw listenFailure(error, config);
      });
      if (flags.json === true) printJson({ url: gateway.url, process: process.pid });
      else print(welcome(gateway.url));
      await untilStopped(gateway);
    });
}

/** The one line that tells a newcomer what to do next. */
export function welcome(url: string): string {
  return `Economizer listens on ${url}. Point clients at it: OPENAI_BASE_URL=${url}/v1, ANTHROPIC_BASE_URL=${url}`;
}

/** `error` in words that help, where it is the system that does not let us listen. */
export function listenFailure(error: unknown, config: Pick<Config, 'listen'>): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const address = `${config.listen.host}:${config.listen.port}`;
  const advice = {
    EADDRINUSE: `Choose another port with --port or listen.port; ${address} is taken.`,
    EACCES: `Choose a port from 1024 on with --port or listen.port; ${address} is not allowed.`,
    EADDRNOTAVAIL: `Choose an address of this machine with --host or listen.host; ${address} is not one.`,
    ENOTFOUND: `Choose an address of this machine with --host or listen.host; ${address} is not known.`,
  }[String(code)];
  return advice === undefined
    ? error
    : new EconomizerError('ECO_PORT_TAKEN', advice, { cause: error });
}

/** Resolves when the gateway has stopped after a signal; a second signal ends the process at once. */
export function untilStopped(
  gateway: Pick<RunningGateway, 'stop'>,
  process: NodeJS.Process = globalThis.process,
): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) {
        printError(`Stopped at once on a second ${signal}; calls in flight were cut.`);
        process.exit(1);
      }
      stopping = true;
      printError(`Stopping on ${signal}: finishing the calls in flight. Once more stops at once.`);
      const leave = (): void => {
        process.off('SIGTERM', stop);
        process.off('SIGINT', stop);
        resolve();
      };
      gateway.stop().then(leave, (error: unknown) => {
        process.exitCode = reportFailure(error);
        leave();
      });
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
