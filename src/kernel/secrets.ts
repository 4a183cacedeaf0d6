/** Keys as the providers write them, bearer tokens, and credentials inside a URL. */
const secretForms: readonly RegExp[] = [
  /\b(?:sk|pk|rk|gsk|xai|key|eco)[-_][A-Za-z0-9_-]{8,}/g,
  /\bAIza[A-Za-z0-9_-]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g,
  /(?<=\bBearer\s+)\S+/gi,
  /(?<=:\/\/)[^\s/@]*:[^\s/@]*(?=@)/g,
];

/** What stands where a secret stood. */
export const hidden = '(hidden)';

/**
 * `text` without what looks like a credential and without the secrets that are known. For everything that people
 * or files get to read: logs, fault lists, summaries.
 */
export function withoutSecrets(text: string, known: readonly string[] = []): string {
  let safe = text;
  for (const secret of known) {
    // A very short secret would blot out half of every line and protects nothing anyway.
    if (secret.length >= 6) safe = safe.replaceAll(secret, hidden);
  }
  for (const form of secretForms) safe = safe.replace(form, hidden);
  return safe;
}
