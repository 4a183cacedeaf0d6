import { section, text } from './fields.ts';

/** How a connection to a server of ours is encrypted. @param shorthand what in the URL is enough where the usual certificates do. */
export function tlsSection(shorthand: string) {
  return section(`Encrypts the connection; with \`${shorthand}\` it needs no more than that.`, {
    ca: text(
      'File of the certificates to trust, in PEM. Default: those that Node trusts.',
    ).optional(),
    cert: text('File of our own certificate, where the server asks for one.').optional(),
    key: text('File of its private key.').optional(),
    server_name: text('The name in the server’s certificate, where it is not the host.').optional(),
  }).optional();
}
