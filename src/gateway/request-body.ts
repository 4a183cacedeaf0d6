import type { IncomingMessage } from 'node:http';
import type { ByteStream } from '../exchange/stream.ts';
import type { Cancellation } from '../kernel/cancellation.ts';
import { EconomizerError } from '../kernel/errors.ts';

/** A request's body, whole. @throws EconomizerError `ECO_BODY_TOO_LARGE`, `ECO_CANCELLED` or `ECO_DEADLINE`. */
export function readBody(
  request: IncomingMessage,
  limits: {
    readonly bodyBytes: number;
    readonly contentLength: number | undefined;
    readonly cancellation: Cancellation;
  },
): Promise<Buffer> {
  const { bodyBytes, contentLength, cancellation } = limits;
  if (contentLength !== undefined && contentLength > bodyBytes) {
    return Promise.reject(tooLarge(contentLength, bodyBytes));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // A deadline holds for the upload too.
    const unsubscribe = cancellation.onCancel(reject);
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bodyBytes) {
        request.pause();
        reject(tooLarge(size, bodyBytes));
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      unsubscribe();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    });
    request.on('error', () => reject(left()));
  });
}

/** A request's body as it comes, for paths that pass untouched: never held, so never too large. */
export function streamBody(request: IncomingMessage): ByteStream {
  return {
    open(sink) {
      request.on('data', (chunk: Buffer) => {
        if (!sink.write(chunk)) request.pause();
      });
      request.on('end', () => sink.end());
      request.on('error', () => sink.fail(left()));
    },
    resume: () => void request.resume(),
    cancel: () => void request.pause(),
  };
}

export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}

export function tooLarge(size: number, limit: number): EconomizerError {
  return new EconomizerError(
    'ECO_BODY_TOO_LARGE',
    `The body has ${size} bytes or more; at most ${limit} are allowed (limits.body_bytes).`,
  );
}

function left(): EconomizerError {
  return new EconomizerError('ECO_CANCELLED', 'The caller left before its request was whole.');
}
