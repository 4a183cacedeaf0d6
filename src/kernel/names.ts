/** Characters of the longest name. */
export const longestName = 256;

/** A name is at most so long, has no control characters (so it breaks no header, log line or key) and no space around it, and is not `*`, which means any. */
export function isName(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= longestName &&
    text !== '*' &&
    !unfit.test(text) &&
    text.isWellFormed()
  );
}

/** Control characters, line separators, marks that turn the direction of writing, and space at the ends. */
const unfit = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]|^\s|\s$/u;

/** Whose calls those are that were turned away before it was known who asked. No tenant has this name, so none sees them. */
export const unknownTenant = 'unknown';

export function isTenant(text: string): boolean {
  return isName(text) && text !== unknownTenant;
}

/** What a name may be, for messages: `must be ...`. */
export const nameForm = `1 to ${longestName} characters without control characters, and not *`;

/** Tags of one call or key at most. */
export const mostTags = 32;
/** Characters of the longest tag. */
export const longestTag = 128;

/** A tag is a name without a comma, which parts tags from each other. */
export function isTag(text: string): boolean {
  return text.length <= longestTag && !text.includes(',') && isName(text);
}
