/**
 * Every field of a request that the way of a call knows by name, and what it can change:
 * `caller`: who asks, or how its call is booked and bounded; `question`: what is asked, or which answer may serve;
 * `connection`: nothing but the way that the request comes by.
 * Whoever reads one more says here what it is (a test sees to that), so that no cache between callers and us can be left ignorant of it.
 */
const requestFields = {
  authorization: 'caller',
  'x-api-key': 'caller',
  'x-economizer-agent': 'caller',
  'x-economizer-session': 'caller',
  'x-economizer-tags': 'caller',
  'x-economizer-cache-tags': 'caller',
  'x-economizer-deadline': 'caller',
  'x-claude-code-session-id': 'caller',
  'session-id': 'caller',
  session_id: 'caller',
  'x-session-id': 'caller',
  'x-session-affinity': 'caller',
  'x-opencode-session': 'caller',
  // Credentials of the provider's, by their usual names; see `isCredential` for the others.
  'api-key': 'caller',
  'x-goog-api-key': 'caller',
  cookie: 'caller',
  // Where they are, programs elsewhere may be refused.
  origin: 'caller',
  'sec-fetch-site': 'caller',
  // Who names one call wants the answer to that call.
  'idempotency-key': 'question',
  'cache-control': 'question',
  pragma: 'question',
  accept: 'question',
  'content-type': 'question',
  'content-encoding': 'question',
  // Variants of the vendors, by their usual names; see `variantPrefixes` for the others.
  'anthropic-version': 'question',
  'anthropic-beta': 'question',
  'openai-beta': 'question',
  'openai-organization': 'question',
  'openai-project': 'question',
  // An answer from the cache is given as it lies there, whatever codings are asked for.
  'accept-encoding': 'connection',
  'content-length': 'connection',
  host: 'connection',
  connection: 'connection',
  upgrade: 'connection',
  'keep-alive': 'connection',
  'proxy-connection': 'connection',
  'proxy-authorization': 'connection',
  'proxy-authenticate': 'connection',
  te: 'connection',
  trailer: 'connection',
  'transfer-encoding': 'connection',
  expect: 'connection',
  // Caches add these; they count only where there are no keys, and then nothing may be kept.
  forwarded: 'connection',
  'x-forwarded-for': 'connection',
  'x-forwarded-host': 'connection',
  'x-real-ip': 'connection',
  via: 'connection',
  // What it says is compared with an answer that is chosen already.
  'if-none-match': 'connection',
} as const satisfies Record<string, 'caller' | 'question' | 'connection'>;

export type RequestField = keyof typeof requestFields;

/** The fields that can make another caller or another question. */
export const tellingFields = Object.entries(requestFields)
  .filter(([, meaning]) => meaning !== 'connection')
  .map(([name]) => name as RequestField);

/** True for a name of the list. */
export function isRequestField(name: string): name is RequestField {
  return Object.hasOwn(requestFields, name);
}

/** True for the fields that are ours by their name, those of later versions too. */
export function isOwnField(name: string): boolean {
  return name.startsWith('x-economizer-');
}
