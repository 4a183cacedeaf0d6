import { hash } from 'node:crypto';

/** SHA-256 as 43 letters of base64url. The one-shot form: a fifth cheaper than a hash object at 2 KB. */
export function digestOf(data: string | Uint8Array): string {
  return hash('sha256', data, 'base64url');
}
