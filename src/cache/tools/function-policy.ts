import { parseDuration } from '../../kernel/duration.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { isObject } from '../../kernel/json.ts';
import { parseUsd, type NanoUsd } from '../../kernel/money.ts';
import { isTag } from '../../kernel/names.ts';
import type { ArgumentTerms } from './normal-arguments.ts';

/** How the results of a function are kept. */
export interface ToolPolicy {
  /** One name, one function: results are kept under it, also by other processes that share the cache. */
  readonly name: string;
  /** Raise it when the function changes, so that results of the old one are not served. */
  readonly version?: string;
  /** How long a result is served, such as `10m`. Default: that of the cache policy `tool-results`. */
  readonly ttl?: string;
  /**
   * With whom results are shared: `user` (default) with nobody, `tenant` with all its users, `shared:NAME` with everybody who
   * names it so. A call of scope `user` of which nobody said whose it is goes to the function and is not kept.
   */
  readonly scope?: 'user' | 'tenant' | `shared:${string}`;
  /** Paths in the arguments of what cannot change the result, such as `request_id` or `meta.*`; from the first argument on. */
  readonly volatile?: readonly string[];
  /** Paths of lists whose order and repetitions cannot change the result. */
  readonly sets?: readonly string[];
  /** JSON Schema of the first argument; its defaults are filled in before calls are compared, never in the call itself. */
  readonly schema?: object;
  /** Whether texts count as equal in every Unicode form. Default: no. */
  readonly nfc?: boolean;
  /** Whether only the first argument decides the result, and all others are context: signals, ids of the call. Default: no. */
  readonly context?: boolean;
  /** False for a function that changes things: it is always called, and invalidates. Default: true. */
  readonly readOnly?: boolean;
  /**
   * Names of the functions whose results may change when this one is called, or `all`, or only what is its user's `own`. Default: none of a
   * reading one, `all` of one that changes things.
   */
  readonly invalidates?: 'all' | 'own' | readonly string[];
  /** Larger results are not kept, in bytes. Default: that of the cache policy `tool-results`. */
  readonly maxBytes?: number;
  /** What one call costs, in US dollars as text, such as `0.005`; what a hit saves. Default: nothing. */
  readonly price?: string;
}

/** The same, read and complete. */
export interface FunctionTerms {
  readonly name: string;
  readonly version: string | undefined;
  readonly ttlMs: number;
  readonly scope: ToolScope;
  readonly arguments: ArgumentTerms;
  readonly context: boolean;
  readonly readOnly: boolean;
  readonly invalidates: 'all' | 'own' | readonly string[];
  readonly maxBytes: number;
  readonly priceNanos: NanoUsd;
}

export type ToolScope =
  | { readonly kind: 'user' | 'tenant' }
  | { readonly kind: 'shared'; readonly name: string };

/**
 * Reads a policy.
 * @throws EconomizerError `ECO_CONFIG` that names the option at fault and what it may be.
 */
export function functionTerms(
  policy: ToolPolicy,
  usual: { readonly ttlMs: number; readonly maxBytes: number },
): FunctionTerms {
  const { name, version, ttl, schema, price, maxBytes = usual.maxBytes } = policy;
  if (typeof name !== 'string' || !isTag(name)) {
    throw fault('name', 'must be a name of 1 to 128 characters without commas');
  }
  const ttlMs = ttl === undefined ? usual.ttlMs : parseDuration(ttl);
  if (ttlMs === undefined || ttlMs <= 0) throw fault('ttl', 'must be a duration such as 10m');
  const priceNanos = price === undefined ? 0 : parseUsd(price);
  if (priceNanos === undefined) throw fault('price', 'must be US dollars as text, such as 0.005');
  if (schema !== undefined && !isObject(schema)) throw fault('schema', 'must be a JSON Schema');
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw fault('maxBytes', 'must be a whole number of bytes, at least 1');
  }
  const readOnly = policy.readOnly ?? true;
  return {
    name,
    version,
    ttlMs,
    scope: scopeOf(policy.scope ?? 'user'),
    arguments: {
      schema,
      volatile: paths('volatile', policy.volatile),
      sets: paths('sets', policy.sets),
      nfc: policy.nfc ?? false,
    },
    context: policy.context ?? false,
    readOnly,
    invalidates: invalidatesOf(policy.invalidates ?? (readOnly ? [] : 'all')),
    maxBytes,
    priceNanos,
  };
}

/** @throws EconomizerError `ECO_CONFIG`. */
function scopeOf(text: string): ToolScope {
  if (text === 'user' || text === 'tenant') return { kind: text };
  const name = /^shared:(.+)$/.exec(text)?.[1];
  if (name === undefined) throw fault('scope', 'must be user, tenant or shared:NAME');
  return { kind: 'shared', name };
}

function paths(option: string, given: readonly string[] | undefined): readonly string[] {
  if (given !== undefined && !(Array.isArray(given) && given.every(isPath))) {
    throw fault(option, 'must be a list of paths such as meta.request_id');
  }
  return given ?? [];
}

/** @throws EconomizerError `ECO_CONFIG`. */
function invalidatesOf(given: 'all' | 'own' | readonly string[]): FunctionTerms['invalidates'] {
  const isKnown = given === 'all' || given === 'own' || Array.isArray(given);
  if (!isKnown) throw fault('invalidates', 'must be all, own or a list of names');
  return given;
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && /^[^.]+(?:\.[^.]+)*$/.test(path);
}

function fault(option: string, problem: string): EconomizerError {
  return new EconomizerError('ECO_CONFIG', `The policy of a tool: ${option} ${problem}.`, {
    param: option,
  });
}
