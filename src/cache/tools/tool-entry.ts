import type { Answer } from '../../exchange/answer.ts';
import { fieldOf } from '../../exchange/reply.ts';
import type { CachePolicy } from '../policy.ts';
import type { CacheEntry } from '../tier.ts';
import { unpackResult, type PackedResult } from './tool-result.ts';

/** A result of a tool in the form in which tiers keep answers. @param totalMs how long the call took. */
export function answerWith({ type, bytes }: PackedResult, totalMs: number): Answer {
  return {
    dialect: 'tool-result',
    model: undefined,
    serviceTier: undefined,
    final: bytes,
    frames: undefined,
    headers: ['content-type', type],
    usage: undefined,
    usageSource: undefined,
    firstByteMs: totalMs,
    totalMs,
  };
}

/** A fresh copy of the result that an entry keeps; undefined where it is none that was kept as such. */
export function resultIn({ answer }: CacheEntry): { readonly value: unknown } | undefined {
  const type = fieldOf(answer.headers, 'content-type');
  const isKnown = type === 'application/json' || type === 'application/octet-stream';
  if (answer.dialect !== 'tool-result' || !isKnown) return undefined;
  try {
    return { value: unpackResult({ type, bytes: answer.final }) };
  } catch {
    // Not JSON text: a tier gave something that was never put there, and a call is made instead.
    return undefined;
  }
}

/** How tiers are to keep what comes under a policy. */
export function storageUnder({
  compress,
  deduplicate,
}: CachePolicy): Pick<CacheEntry, 'storage' | 'alone'> {
  return {
    ...(compress === undefined ? {} : { storage: compress ? 'packed' : 'plain' }),
    ...(deduplicate ? {} : { alone: true }),
  };
}
