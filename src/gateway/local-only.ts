import { EconomizerError } from '../kernel/errors.ts';

/** What of a request tells whether it comes from a program on this machine. */
interface Provenance {
  readonly host: string | undefined;
  readonly isFromAfar: boolean;
}

/**
 * Without keys only programs on this machine are served. A peer on this machine is not enough: it may be a proxy that passes on what came from
 * elsewhere, or a browser that runs some site's page (whose name may even be made to point here).
 * @throws EconomizerError `ECO_LOCAL_ONLY`.
 */
export function refuseOthers(peer: string, { host, isFromAfar }: Provenance): void {
  if (!isFromAfar && isLoopbackAddress(peer) && (host === undefined || isKnownLocal(host))) return;
  throw new EconomizerError(
    'ECO_LOCAL_ONLY',
    'This gateway has no keys and so serves programs on its own machine only, at 127.0.0.1 or localhost; make a key with economizer keys create and send it along.',
  );
}

export function isLoopbackAddress(address: string): boolean {
  return address === '127.0.0.1' || address === '::1' || loopback.test(address);
}

const loopback = /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i;

/** The value of a `Host` field, with or without a port, that names this machine itself. */
function isLocalHost(host: string): boolean {
  return localHost.test(host);
}

let lastLocal = '';

/** As `isLocalHost`; nearly all requests name the same host as the one before. */
function isKnownLocal(host: string): boolean {
  if (host === lastLocal) return true;
  if (!isLocalHost(host)) return false;
  lastLocal = host;
  return true;
}

const localHost =
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|\[::ffff:127(?:\.\d{1,3}){3}\])(?::\d{1,5})?$/i;

/** The value of an `Origin` field that is a page of this machine. */
export function isLocalOrigin(origin: string): boolean {
  const host = /^https?:\/\/(.*)$/i.exec(origin)?.[1];
  return host !== undefined && isLocalHost(host);
}
