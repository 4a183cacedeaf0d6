import { assemble, type Assembly } from './assembly/assembly.ts';
import { createSqliteKeyStore } from './access/stores/sqlite.ts';
import type { Config } from './config/config.ts';
import { isLoopback } from './config/semantics.ts';
import type { Upstream } from './exchange/upstream.ts';
import { AdminApi } from './gateway/admin/api.ts';
import { Gateway } from './gateway/server.ts';
import { systemClock, type Clock } from './kernel/clock.ts';
import { EconomizerError } from './kernel/errors.ts';
import { Signals } from './kernel/signals.ts';

/** A gateway that listens. */
export interface RunningGateway {
  /** Such as `http://127.0.0.1:8787`. */
  readonly url: string;
  readonly assembly: Assembly;
  /** Finishes what is in flight, for at most the configured grace, then closes everything in reverse. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly signals?: Signals;
  readonly clock?: Clock;
  readonly upstream?: Upstream;
}

/**
 * Builds the house and opens its port.
 * @throws EconomizerError `ECO_PORT_TAKEN`; nothing is left open then.
 */
export async function startGateway(
  config: Config,
  options: StartOptions = {},
): Promise<RunningGateway> {
  const { signals = new Signals(), clock = systemClock, upstream } = options;
  const assembly = assemble({
    config,
    clock,
    signals,
    keyStore: createSqliteKeyStore({ path: config.access.storePath }),
    ...(upstream === undefined ? {} : { upstream }),
  });
  const admin = new AdminApi({
    routes: assembly.adminRoutes,
    authenticate: (shown) => assembly.access.administrator(shown),
    signals,
  });
  const gateway = new Gateway({ ...assembly, admin, limits: config.limits, clock });
  let stopped: Promise<void> | undefined;
  const stop = (graceMs: number): Promise<void> => {
    stopped ??= gateway.close(graceMs).then(() => assembly.close());
    return stopped;
  };
  try {
    await assembly.ready();
    checkWhoIsServed(config, assembly, signals);
    assembly.keyEndings?.start();
    const url = await gateway.listen(config.listen.host, config.listen.port);
    return { url, assembly, stop: () => stop(config.shutdownGraceMs) };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

/** Without keys only this machine is served, so listening to others is a mistake. @throws EconomizerError `ECO_CONFIG`. */
function checkWhoIsServed(config: Config, { access }: Assembly, signals: Signals): void {
  if (access.hasKeys) return;
  const { host } = config.listen;
  if (!isLoopback(host)) {
    throw new EconomizerError(
      'ECO_CONFIG',
      `Make a key with economizer keys create before you listen on ${host}: without keys the gateway serves programs on this machine only.`,
      { param: 'listen.host' },
    );
  }
  const text =
    'There are no keys, so only programs on this machine are served; economizer keys create makes one.';
  signals.emit('notice', { text });
}
