import { asBuffer, type Bytes } from '../../exchange/stream.ts';
import { jsonFault } from './json-fault.ts';

/** A result as it is kept: JSON text, or the bytes that the tool gave. */
export interface PackedResult {
  readonly type: 'application/json' | 'application/octet-stream';
  readonly bytes: Bytes;
}

export type Packing =
  | { readonly packed: PackedResult; readonly fault?: never }
  /** Why it cannot be kept, for people. */
  | { readonly packed?: never; readonly fault: string };

/** Takes a copy of a result: what the caller does with it afterwards changes nothing that is kept. */
export function packResult(value: unknown): Packing {
  if (value instanceof Uint8Array) {
    return { packed: { type: 'application/octet-stream', bytes: Buffer.from(value) } };
  }
  const fault = jsonFault(value);
  if (fault !== undefined) return { fault };
  const bytes = Buffer.from(JSON.stringify(value));
  return { packed: { type: 'application/json', bytes } };
}

/**
 * A fresh copy of what was packed: a `Buffer` where bytes went in.
 * @throws SyntaxError where the bytes are not what was packed.
 */
export function unpackResult({ type, bytes }: PackedResult): unknown {
  if (type === 'application/octet-stream') return Buffer.from(bytes);
  return JSON.parse(asBuffer(bytes).toString('utf8'));
}
