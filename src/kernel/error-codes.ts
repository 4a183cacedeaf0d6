/** What sort of failure it is. Only the gateway turns a kind into an HTTP status. */
export type ErrorKind =
  | 'invalid' // the caller's request is at fault
  | 'unauthorised'
  | 'forbidden' // known, but not allowed this
  | 'quota' // a budget or a limit of ours says no
  | 'missing' // no such model, provider or path
  | 'too-large'
  | 'media-type' // a body of a kind that is not taken here
  | 'unsupported' // a part of HTTP or of an API that this gateway does not serve
  | 'unstored' // only a stored answer was wanted and there is none
  | 'upstream' // the provider failed or broke its protocol
  | 'timeout'
  | 'cancelled' // the caller left
  | 'stopping' // this process takes no more calls just now
  | 'service' // a store that we depend on could not be asked
  | 'broken' // our own fault
  | 'config';

interface CodeEntry {
  readonly kind: ErrorKind;
  /** When it happens, for the reference page. */
  readonly when: string;
}

/** The registry of error codes. A house test holds it against `docs/reference/errors.md`. */
export const errorCodes = {
  ECO_BAD_JSON: { kind: 'invalid', when: 'The body is not UTF-8 JSON text, or not a JSON object.' },
  ECO_DUPLICATE_KEY: { kind: 'invalid', when: 'An object in the body names a member twice.' },
  ECO_TOO_DEEP: { kind: 'invalid', when: 'The body nests deeper than `limits.depth`.' },
  ECO_BAD_FIELD: {
    kind: 'invalid',
    when: 'A field that Economizer must understand has the wrong type.',
  },
  ECO_BAD_HEADER: {
    kind: 'invalid',
    when: 'An `x-economizer-*` header cannot be read.',
  },
  ECO_BAD_HTTP: {
    kind: 'invalid',
    when: 'The request is not HTTP/1.1, its head is too large (`limits.headers`, `limits.header_bytes`), or it comes too slowly (`limits.receive`).',
  },
  ECO_MEDIA_TYPE: {
    kind: 'media-type',
    when: 'A `QUERY` does not say that its body is `application/json` (RFC 10008 section 2).',
  },
  ECO_NO_UPGRADE: {
    kind: 'unsupported',
    when: 'The request asks for a WebSocket; this gateway serves plain HTTP only.',
  },
  ECO_BAD_PURGE: {
    kind: 'invalid',
    when: 'A purge of the cache names nothing, or names it in a way that cannot be read.',
  },
  ECO_BODY_TOO_LARGE: { kind: 'too-large', when: 'The body is larger than `limits.body_bytes`.' },
  ECO_UNAUTHORISED: {
    kind: 'unauthorised',
    when: 'The caller shows no key that this gateway knows.',
  },
  ECO_KEY_ENDED: {
    kind: 'unauthorised',
    when: 'The key was good, but has expired, was rotated or was revoked.',
  },
  ECO_LOCAL_ONLY: {
    kind: 'forbidden',
    when: 'The gateway has no keys and so serves programs on its own machine only; the request comes from elsewhere, through a proxy, or from a web page.',
  },
  ECO_BAD_KEY: {
    kind: 'invalid',
    when: 'What a key is to be cannot be: a name, pattern, scope or time in it is not allowed.',
  },
  ECO_KEY_TAKEN: { kind: 'invalid', when: 'Its tenant has a key of this name already.' },
  ECO_NO_KEY: { kind: 'missing', when: 'There is no key of this name.' },
  ECO_KEY_STORE: { kind: 'service', when: 'The store of the keys cannot be read or written.' },
  ECO_BAD_QUERY: { kind: 'invalid', when: 'A query of the admin API cannot be understood.' },
  ECO_NOT_ALLOWED: {
    kind: 'forbidden',
    when: 'The key is known, but not for this: another model, provider or tenant, or a scope that it lacks.',
  },
  ECO_NO_ADMIN_ROUTE: {
    kind: 'missing',
    when: 'The admin API has no such path, or not for this method.',
  },
  ECO_BUDGET: {
    kind: 'quota',
    when: 'A budget has too little left for what the call can cost at most.',
  },
  ECO_UNBOUNDED: {
    kind: 'quota',
    when: 'A hard budget meets a call that can cost any amount: its price is not known, or nothing bounds it.',
  },
  ECO_BUDGET_STORE: {
    kind: 'service',
    when: 'The store of the budgets cannot be asked, and the budget is set to refuse calls then.',
  },
  ECO_ALERT: {
    kind: 'upstream',
    when: 'An alert could not be delivered to a webhook; it is tried again until `alerts.give_up`.',
  },
  ECO_DEFERRED: {
    kind: 'quota',
    when: 'A budget is nearly spent, and calls that can wait are put off (`protection`).',
  },
  ECO_SCALED_DOWN: {
    kind: 'quota',
    when: 'A budget is nearly spent or the emergency switch is on, and agents that are not essential are scaled down or shut out (`protection`).',
  },
  ECO_RUNAWAY: {
    kind: 'quota',
    when: 'An agent repeats the same tool calls with the same results, or its session has made all its calls (`runaway`).',
  },
  ECO_BUDGET_FILE: {
    kind: 'config',
    when: 'The file of the budgets cannot be opened or written, is damaged or is not one of ours.',
  },
  ECO_REDIS: {
    kind: 'service',
    when: 'Redis could not be reached, did not answer in time or refused a command.',
  },
  ECO_POSTGRES: {
    kind: 'service',
    when: 'PostgreSQL could not be reached, did not answer in time or refused a statement.',
  },
  ECO_NO_PROVIDER: { kind: 'missing', when: 'No configured provider serves this path or model.' },
  ECO_NOT_STORED: {
    kind: 'unstored',
    when: '`Cache-Control: only-if-cached` and no stored answer fits.',
  },
  ECO_UPSTREAM_UNREACHABLE: {
    kind: 'upstream',
    when: 'The provider refuses or drops the connection.',
  },
  ECO_UPSTREAM_RESET: {
    kind: 'upstream',
    when: 'The provider closed the connection before its answer was whole.',
  },
  ECO_UPSTREAM_NOT_API: {
    kind: 'upstream',
    when: 'The provider answered with something other than its API, such as an HTML page.',
  },
  ECO_CONNECT_TIMEOUT: {
    kind: 'timeout',
    when: 'No connection to the provider within `limits.connect`.',
  },
  ECO_FIRST_BYTE_TIMEOUT: {
    kind: 'timeout',
    when: 'No answer from the provider within `limits.first_byte`.',
  },
  ECO_SILENCE_TIMEOUT: {
    kind: 'timeout',
    when: 'The provider fell silent within its answer for `limits.silence`.',
  },
  ECO_DEADLINE: { kind: 'timeout', when: 'The call passed its own deadline or `limits.total`.' },
  ECO_CANCELLED: { kind: 'cancelled', when: 'The caller left before the answer was whole.' },
  ECO_BUSY: {
    kind: 'stopping',
    when: 'More calls are under way than `limits.concurrent_calls` allows.',
  },
  ECO_STOPPING: { kind: 'stopping', when: 'The gateway is shutting down and takes no new calls.' },
  ECO_INTERNAL: { kind: 'broken', when: 'A fault of Economizer itself.' },
  ECO_CONFIG: {
    kind: 'config',
    when: 'The configuration has faults; `economizer check` lists them all.',
  },
  ECO_USAGE: { kind: 'config', when: 'A command line is not understood.' },
  ECO_FILE: {
    kind: 'config',
    when: 'A file that a command was given cannot be read or understood.',
  },
  ECO_NO_PRICE: { kind: 'config', when: 'A replay meets a model whose price is not known.' },
  ECO_LEDGER: { kind: 'broken', when: 'The ledger’s database cannot be read or written.' },
  ECO_PORT_TAKEN: { kind: 'config', when: 'The address to listen on is taken or not allowed.' },
  ECO_CACHE_FILE: { kind: 'config', when: 'The cache file cannot be opened or made.' },
  ECO_CACHE_CORRUPT: {
    kind: 'broken',
    when: 'The cache file is damaged or not ours; it was moved aside and begun anew.',
  },
  ECO_CACHE_VALUE: {
    kind: 'broken',
    when: 'A value in a shared tier of the cache is damaged, too large or not written by us; it was dropped.',
  },
  ECO_CACHE_OVERLOAD: {
    kind: 'broken',
    when: 'Answers come faster than the cache file takes them; some were not kept.',
  },
  ECO_CACHE_WRITE: {
    kind: 'broken',
    when: 'Answers could not be written to the cache file, for instance because the disk is full.',
  },
  ECO_CACHE_TIMEOUT: {
    kind: 'timeout',
    when: 'A tier of the cache was slower than its time limit; the call went on without it.',
  },
  ECO_EDGE: {
    kind: 'broken',
    when: 'A cache at the edge could not be asked, or could not be told of a purge; calls went on without it.',
  },
  ECO_CACHE_PURGE: {
    kind: 'broken',
    when: 'A tier of the cache could not delete what it was told to delete.',
  },
} as const satisfies Record<string, CodeEntry>;

export type ErrorCode = keyof typeof errorCodes;
