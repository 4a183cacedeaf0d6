import { CanonicalForm } from '../../kernel/canonical.ts';
import type { JsonValue } from '../../kernel/json.ts';

/** The same value with its members in the same order: a provider that parses and renders it sees no difference. */
export function sameSpelling(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** The same value but for the order of members: the same to whoever reads it, another text to a provider that renders it. */
export function sameButForOrder(one: JsonValue, other: JsonValue): boolean {
  return new CanonicalForm().of(one) === new CanonicalForm().of(other);
}
