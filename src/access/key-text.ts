import { hash } from 'node:crypto';

/** Random bytes of a key: 256 bits. */
const secretBytes = 32;
const prefix = 'eco-';
/** Characters behind the prefix, and at the end, that lists show. They leave 208 bits to guess. */
const shownCharacters = 4;

/** Bytes that nobody can foretell, such as those of `node:crypto`. */
export type SecretRandom = (bytes: number) => Buffer;

/** A new key. */
export function newKeyText(random: SecretRandom): string {
  return prefix + random(secretBytes).toString('base64url');
}

/** True for what looks like a key of some Economizer. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(prefix) && text.length >= prefix.length + 32;
}

/** What of a key may be shown, so that its owner knows it again: `eco-Ab3d…x9Yz`. */
export function shownPart(key: string): string {
  return `${key.slice(0, prefix.length + shownCharacters)}…${key.slice(-shownCharacters)}`;
}

/**
 * What is kept of a key: its SHA-256 in hexadecimal. A slow hash protects passwords, which are few enough to be tried one after another; 2^256 keys are
 * not, so it would protect nothing here and cost every call milliseconds.
 */
export function keyHash(key: string): string {
  return hash('sha256', key, 'hex');
}
