import type { Socket } from 'node:net';
import type { JsonValue } from '../kernel/json.ts';

interface Refusal {
  readonly status: string;
  readonly message: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message:
      'The request has more headers than limits.headers, or larger ones than limits.header_bytes, allows; send less.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    message: 'The request did not come whole within limits.receive; send it faster.',
  },
};
const notHttp: Refusal = {
  status: '400 Bad Request',
  message:
    'The request is not well-formed HTTP/1.1; check the client, and that it speaks http:// here.',
};

/** Answers what is no request that could become a call, where an answer can still be given, and closes the connection. */
export function refuseConnection(
  error: Error & { readonly code?: string },
  socket: Socket & { readonly _httpMessage?: { readonly headersSent: boolean } | null },
): void {
  // An answer that has begun on this connection cannot be taken back; a second one would look like its end.
  if (!socket.writable || socket._httpMessage?.headersSent === true) {
    socket.destroy(error);
    return;
  }
  const { status, message } = refusals[error.code ?? ''] ?? notHttp;
  const body = JSON.stringify(bodyOf(message));
  socket.end(
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nx-should-retry: false\r\n\r\n${body}`,
  );
}

/** Nobody knows which dialect was meant; this form is understood in all of them. */
function bodyOf(message: string): JsonValue {
  const error = { type: 'invalid_request_error', message, param: null, code: 'ECO_BAD_HTTP' };
  return { type: 'error', error };
}
