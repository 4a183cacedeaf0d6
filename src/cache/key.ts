import { CanonicalForm } from '../kernel/canonical.ts';
import { digestOf } from '../kernel/digest.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { ItemChain } from './item-chain.ts';

/** Raised whenever the meaning of a key changes, so that entries of different versions never mix. */
const keyVersion = 'economizer-key-2';

/** Everything outside the body that can change an answer. */
export interface KeyContext {
  /** Secret of this installation: keys cannot be guessed or compared across installations. */
  readonly secret: string;
  /** Tenant, and the credential where the caller brings its own: a hard partition. */
  readonly scope: string;
  readonly provider: string;
  readonly dialect: string;
  /** Path and query. */
  readonly path: string;
  /** Vendor headers that can change an answer, as `variantHeaders` gives them. */
  readonly variant: string;
}

/** The context as one text in which no part can run into the next. */
export function contextText(context: KeyContext): string {
  const { secret, scope, provider, dialect, path, variant } = context;
  return JSON.stringify([keyVersion, secret, scope, provider, dialect, path, variant]);
}

const variantPrefixes = ['anthropic-', 'openai-', 'x-goog-', 'x-ms-'];
/** Vendor headers that name a request or a person, or only steer our own connection; they cannot change an answer. */
const inertHeaders = new Set(['anthropic-dangerous-direct-browser-access', 'openai-request-id']);

/** True for a vendor header that can change an answer. @param name in lower case. */
export function isVariant(name: string): boolean {
  return variantPrefixes.some((prefix) => name.startsWith(prefix)) && !inertHeaders.has(name);
}

/** The vendor headers of a call that can change its answer (versions, betas, organisation), sorted. */
export function variantHeaders(headers: readonly string[]): string {
  let found: string[] | undefined;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const first = headers[index]!.charCodeAt(0) | 0x20;
    // Only names that begin with a, o or x can match; most do not.
    if (first !== 0x61 && first !== 0x6f && first !== 0x78) continue;
    const name = headers[index]!.toLowerCase();
    if (!isVariant(name)) continue;
    (found ??= []).push(`${name}:${headers[index + 1]!}`);
  }
  return found === undefined ? '' : JSON.stringify(found.sort());
}

/** The two parts of a body that make its key. */
export interface BodyForm {
  /** All but the growing member, see `restForm`. */
  readonly rest: string;
  /** The canonical forms of the growing member's items; the whole member's form where it is no list. */
  readonly items: readonly string[];
  /** Members counted in the whole body. */
  readonly members: number;
}

/** Brings a body to canonical form, leaving out what cannot change the answer. */
export function formOfBody(
  body: JsonObject,
  growing: string | undefined,
  inert: ReadonlySet<string>,
): BodyForm {
  const canonical = new CanonicalForm();
  const list = growing === undefined ? undefined : body[growing];
  if (growing === undefined || !Array.isArray(list)) {
    const rest = restForm(canonical.object(body, inert));
    return { rest, items: [], members: canonical.members };
  }
  const items = (list as readonly JsonValue[]).map((item) => canonical.of(item));
  const { [growing]: _grown, ...others } = body;
  const rest = restForm(`${canonical.object(others, inert)}l`); // a list, though it may be an empty one
  return { rest, items, members: canonical.members + 1 };
}

/** Longer texts go into the key as their hash, so that a conversation with many tools does not hash them again with each turn. */
const restLength = 2048;

function restForm(text: string): string {
  return text.length > restLength ? digestOf(text) : text;
}

/** The key of a body within its context. The lengths keep one part from running into the next. */
export function keyOf(context: string, rest: string, items: ItemChain): string {
  const { digest, pending, count } = items;
  return digestOf(`${context}|${rest.length}|${count}|${digest}|${rest}${pending}`);
}
