/**
 * What holds where neither the file nor the environment says otherwise, in the file's own notation. The reference page
 * is made from these values.
 */
export const defaults = {
  edge: { lookup: '20ms', query: false, purgeTimeout: '2s' },
  listen: { host: '127.0.0.1', port: 8787 },
  data: '.economizer',
  provider: { connections: 512, keepAlive: '60s' },
  cache: {
    ttl: '1h',
    staleWhileRevalidate: '0s',
    staleIfError: '0s',
    maxAnswerBytes: '4MiB',
    refreshChance: 0.5,
    memory: { maxEntries: 1000, maxBytes: '100MB' },
    disk: { maxBytes: '1GiB' },
    /** What the built-in policies have of their own; the rest they take from the settings above. */
    policies: {
      response: { levels: ['memory', 'redis'], compress: true },
      'model-output': { ttl: '2h', levels: ['redis', 'disk'] },
      'conversation-context': { ttl: '30m', levels: ['memory'], messages: 10, compress: true },
      'tool-results': { ttl: '10m', levels: ['memory', 'redis'] },
    },
    rules: [
      {
        policy: 'model-output',
        route: ['/embeddings', '/messages/count_tokens'],
      },
    ],
    redis: { maxAnswerBytes: '4MiB', lookup: '20ms', store: '1s' },
    postgres: { maxBytes: '10GiB', maxAnswerBytes: '4MiB', lookup: '20ms', store: '5s' },
    flights: { wait: '30s', lease: '5s' },
  },
  budgeting: { lostSharePercent: 10, lease: '30s', clampTokens: 256, wait: '10s' },
  redis: { prefix: 'economizer:', connect: '2s' },
  postgres: { schema: 'economizer', connections: 8, connect: '2s' },
  fit: { tokenBudget: 4096, keepRecent: 50, windowPercent: 95, remember: '30m', maxBytes: '64MiB' },
  care: { fanOutWait: '5s', keepWarmPerSession: 6, keepWarmPerDay: 500, maxBytes: '64MiB' },
  limits: {
    bodyBytes: '64MiB',
    depth: 256,
    headerBytes: '64KiB',
    headers: 256,
    concurrentCalls: 10_000,
    receive: '300s',
    connect: '10s',
    firstByte: '600s',
    // As long as the vendors' SDKs wait: a model that thinks may say nothing for minutes once its answer has begun.
    silence: '600s',
    total: '3600s',
  },
  protection: {
    levels: [
      { at: 80, actions: ['cache-more', 'cheaper-models'] },
      { at: 90, actions: ['batch', 'defer'] },
      { at: 95, actions: ['scale-down'] },
      { at: 100, actions: ['shutdown'] },
    ],
    marginPercent: 2,
    ttlFactor: 4,
    stale: '1h',
    concurrentCalls: 1,
  },
  runaway: { warnAfter: 5 },
  alerts: { thresholds: [50, 80, 90, 100], giveUp: '24h' },
  mcp: { lists: '0s', reads: '0s', maxMessage: '16MiB', sessions: 1000, idle: '30m' },
  shutdownGrace: '30s',
} as const;

/** The two providers that are always there; their callers' own credentials do where we hold none. */
export const publicProviders = {
  openai: { kind: 'openai', base_url: 'https://api.openai.com/v1' },
  anthropic: { kind: 'anthropic', base_url: 'https://api.anthropic.com' },
} as const;

/** First path segments that belong to the gateway itself or to a dialect, and so cannot name a provider. */
export const reservedProviderNames: readonly string[] = ['v1', 'health', 'economizer'];
