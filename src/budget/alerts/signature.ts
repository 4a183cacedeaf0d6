import { createHmac } from 'node:crypto';

/** Prefix of secrets in the notation of Standard Webhooks. */
export const secretPrefix = 'whsec_';

/** The key that a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw` stands for; undefined where it is none, or has less than 24 or more than 64 bytes. */
export function keyOf(secret: string): Buffer | undefined {
  if (!secret.startsWith(secretPrefix)) return undefined;
  const text = secret.slice(secretPrefix.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}

/**
 * The headers by which a receiver knows that a message is ours, whole and recent, as Standard Webhooks 1.0 has them: HMAC-SHA256 over id, time and body. Several keys
 * sign side by side while a secret is being changed.
 * @param at milliseconds since the epoch.
 */
export function signedHeaders(
  message: { readonly id: string; readonly at: number; readonly body: string },
  keys: readonly Buffer[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(message.at / 1000));
  const content = `${message.id}.${timestamp}.${message.body}`;
  const signatures = keys.map(
    (key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`,
  );
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}
