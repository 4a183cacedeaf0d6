import { Command } from 'commander';
import { secretsOf } from '../config/secrets.ts';
import { processEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { Signals } from '../kernel/signals.ts';
import { logSignals } from '../telemetry/log.ts';
import { print, printError, printJson, writeError } from './output.ts';
import { settleGarbageCollector } from './process-settings.ts';

interface ServeFlags {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly json?: boolean;
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
      settleGarbageCollector();
      const { startGateway } = await import('../main.ts');
      const signals = new Signals();
      logSignals({
        ...config.log,
        signals,
        clock: systemClock,
        secrets: secretsOf(config),
        write: writeError,
      });
      const gateway = await startGateway(config, { signals });
      if (flags.json === true) printJson({ url: gateway.url, process: process.pid });
      else print(welcome(gateway.url));
      await untilStopped({ gateway, process, clock: systemClock });
    });
}

/** The one line that tells a newcomer what to do next. */
export function welcome(url: string): string {
  return `Economizer listens on ${url}. Point clients at it: OPENAI_BASE_URL=${url}/v1, ANTHROPIC_BASE_URL=${url}`;
}

/** `npm run` and `timeout` pass on a signal that the terminal has already sent; within so long it is the same one. */
const echoMs = 500;

export interface StopOptions {
  readonly gateway: { readonly stop: () => Promise<void> };
  readonly process: Pick<NodeJS.Process, 'on' | 'off' | 'exit'>;
  readonly clock: Clock;
}

/** Resolves when the gateway has stopped after a signal; a second signal ends the process at once. */
export function untilStopped({ gateway, process, clock }: StopOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let firstTick: number | undefined;
    const leave = (): void => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
    };
    const stop = (signal: NodeJS.Signals): void => {
      if (firstTick === undefined) {
        firstTick = clock.tick();
        printError(
          `Stopping on ${signal}: finishing the calls in flight. Once more stops at once.`,
        );
        gateway.stop().finally(leave).then(resolve, reject);
      } else if (clock.tick() - firstTick >= echoMs) {
        printError(`Stopped at once on a second ${signal}; calls in flight were cut.`);
        process.exit(1);
      }
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
