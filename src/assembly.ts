import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installationSecret, newSecret } from './cache/installation-secret.ts';
import { Recogniser } from './cache/recognise.ts';
import type { CacheStack } from './cache/stack.ts';
import { openCacheParts } from './cache-parts.ts';
import type { Config, ProviderConfig } from './config/config.ts';
import { FanOut } from './context/care/fan-out.ts';
import { ContextCare } from './context/context-care.ts';
import { Fitter } from './context/fitting/fitter.ts';
import { TokenMeter } from './context/fitting/token-meter.ts';
import type { Upstream } from './exchange/upstream.ts';
import { Access } from './gateway/access.ts';
import type { AdminRoute } from './gateway/admin/route.ts';
import { adminRoutes } from './gateway/admin/routes.ts';
import { Routes, type RoutedProvider } from './gateway/routes.ts';
import type { Clock } from './kernel/clock.ts';
import type { JsonObject } from './kernel/json.ts';
import type { Signals } from './kernel/signals.ts';
import { counterfactualOf } from './ledger/counterfactual.ts';
import { pricedCacheRules } from './ledger/cache-terms.ts';
import { modelEconomics } from './ledger/model-economics.ts';
import { createLedger, type Ledger } from './ledger/ledger.ts';
import { prefixRules } from './ledger/prefix-rules.ts';
import { createPriceBook, type PriceBook } from './ledger/price-book.ts';
import { createTokenEstimator } from './ledger/token-estimate.ts';
import { usagePricer } from './ledger/usage-pricer.ts';
import type { Books } from './pipeline/book.ts';
import type { WithoutUs } from './pipeline/recall.ts';
import { createPipeline, type Pipeline } from './pipeline/stages.ts';
import { openSharedParts, type SharedParts } from './shared-parts.ts';
import { HttpUpstream, type UpstreamTarget } from './upstream/http.ts';

/** The house put together from its configuration, but for an edge. */
export interface Assembly {
  readonly pipeline: Pipeline;
  readonly routes: Routes;
  readonly access: Access;
  /** Names of providers that see the caller's own credential. */
  readonly bringYourOwn: ReadonlySet<string>;
  readonly stack: CacheStack;
  /** Undefined where nothing is shared with other gateways. */
  readonly shared: SharedParts | undefined;
  readonly adminRoutes: readonly AdminRoute[];
  /** Undefined where the configuration switches it off. */
  readonly ledger: Ledger | undefined;
  /** Resolves when what is shared with other gateways is known, or has taken too long; never rejects. */
  ready(): Promise<void>;
  /** Finishes what nobody waits for, then closes everything in reverse. */
  close(): Promise<void>;
}

export interface AssemblyOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  /** In place of HTTP, for simulations. */
  readonly upstream?: Upstream;
}

/** Opens every part but the edge. */
export function assemble(options: AssemblyOptions): Assembly {
  const { config, clock, signals } = options;
  const http = options.upstream === undefined ? httpUpstream(config, clock) : undefined;
  const keeps = config.ledger.enabled || (config.cache.enabled && config.cache.disk.enabled);
  if (keeps) mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const ownSecret = keeps ? installationSecret(config.dataDirectory) : newSecret();
  const shared = openSharedParts({ config, clock, signals, ownSecret, keeps });
  const cache = openCacheParts({ config, clock, signals, shared, keeps });
  const { stack } = cache;
  const ledger = config.ledger.enabled ? openLedger(options) : undefined;
  const priceBook = createPriceBook({ overrides: config.prices });
  const pipeline = createPipeline({
    upstream: options.upstream ?? http!,
    recogniser: new Recogniser({ depth: config.limits.depth }),
    secret: shared?.secret ?? { current: config.cache.secret ?? ownSecret },
    stack,
    policies: cache.policies,
    purges: cache.purges,
    showsKeys: config.cache.showKeys,
    random: { next: Math.random },
    books: ledger ?? noBooks,
    price: usagePricer(priceBook),
    tokens: createTokenEstimator(),
    without: withoutUs(clock, priceBook),
    care: careOf(config, priceBook),
    fitter: fitterOf(options, priceBook),
    keepWarm: config.care.keepWarm
      ? { perSession: config.care.keepWarmPerSession, perDay: config.care.keepWarmPerDay }
      : undefined,
    gates: [],
    fanOut: config.care.fanOut ? new FanOut({ maxWaitMs: config.care.fanOutWaitMs }) : undefined,
    clock,
    signals,
  });
  return {
    pipeline,
    routes: new Routes({
      providers: config.providers.map(routedProvider),
      defaults: config.defaultProviders,
    }),
    access: new Access(config.access.keys),
    bringYourOwn: new Set(
      config.providers.filter(({ apiKey }) => apiKey === undefined).map(({ name }) => name),
    ),
    stack,
    shared,
    adminRoutes: adminRoutes({
      stores: () => storeHealth(stack, ledger),
      purger: cache.purger,
    }),
    ledger,
    async ready() {
      await shared?.ready;
      await cache.purges.ready();
    },
    close: once(async () => {
      // A provider that hangs must not keep us open.
      const stop = clock.after(config.shutdownGraceMs, () => void http?.destroy());
      await pipeline.idle();
      await http?.close();
      stop();
      await cache.close();
      await shared?.close();
      await ledger?.close();
    }),
  };
}

/** `act` for the first caller; all later ones get its promise. */
function once(act: () => Promise<void>): () => Promise<void> {
  let acted: Promise<void> | undefined;
  return () => (acted ??= act());
}

const noBooks: Books = { book: () => Promise.resolve() };

function openLedger({ config, clock, signals }: AssemblyOptions): Ledger {
  return createLedger({
    path: join(config.dataDirectory, 'ledger.sqlite'),
    retentionMs: config.ledger.retentionMs,
    clock,
    signals,
  });
}

/** How each store is; a store that cannot be asked is not `ok`. */
async function storeHealth(
  stack: CacheStack,
  ledger: Ledger | undefined,
): Promise<Readonly<Record<string, JsonObject>>> {
  const health: Record<string, JsonObject> = {};
  for (const { tier, stats, ...counts } of await stack.stats()) {
    health[`cache-${tier}`] = { ok: stats !== undefined, ...counts, ...stats };
  }
  if (ledger !== undefined) {
    const ok = await ledger.recent(1).then(
      () => true,
      () => false,
    );
    health['ledger'] = { ok };
  }
  return health;
}

function careOf({ care }: Config, book: PriceBook): ContextCare | undefined {
  const edits = care.breakpoints || care.order || care.repair || care.affinity;
  if (!care.doctor && !edits && !care.fanOut && !care.keepWarm) return undefined;
  return new ContextCare({
    terms: (question) => pricedCacheRules(book, question),
    switches: care,
    waits: care.fanOut,
    maxBytes: care.maxBytes,
  });
}

function fitterOf(
  { config, clock, signals }: AssemblyOptions,
  book: PriceBook,
): Fitter | undefined {
  const { enabled, windowShare, window, pins, ...fit } = config.fit;
  if (!enabled) return undefined;
  return new Fitter({
    policy: fit,
    firstSend: fit,
    limits: fit,
    windowShare,
    pins,
    meter: new TokenMeter(),
    economics(question) {
      const found = modelEconomics(book, question);
      return found && { ...found, window: found.window ?? window };
    },
    clock,
    signals,
  });
}

/** Keys whose last use is remembered, to tell whether the provider's own prompt cache would still be hot. */
const rememberedUses = 20_000;

/** The counterfactual of a reused answer: the usage counted when it was given, less what the provider's own prompt cache would have saved. */
function withoutUs(clock: Clock, book: PriceBook): WithoutUs {
  const lastUses = new Map<string, number>();
  return (call, { answer, key, storedAt }) => {
    const now = clock.now();
    const ageMs = now - (lastUses.get(key) ?? storedAt);
    if (lastUses.size >= rememberedUses) lastUses.clear();
    lastUses.set(key, now);
    if (answer.usage === undefined) return undefined;
    const { priceId: provider } = call.provider;
    const model = answer.model ?? call.facts!.model;
    const question = { provider, at: call.startedAt, serviceTier: answer.serviceTier };
    return counterfactualOf({
      answerUsage: answer.usage,
      usageSource: answer.usageSource ?? 'estimated',
      rules: prefixRules(provider, model),
      ageMs,
      price:
        book.find({ ...question, model }) ?? book.find({ ...question, model: call.facts!.model }),
      totalMs: answer.totalMs,
    });
  };
}

function routedProvider(provider: ProviderConfig): RoutedProvider {
  const { name, priceId, asksStreamUsage, kind, models } = provider;
  return { ref: { name, priceId, asksStreamUsage }, kind, models };
}

function httpUpstream({ providers, limits, access }: Config, clock: Clock): HttpUpstream {
  const ownKeys = access.keys.length > 0;
  const targets = providers.map((provider) => upstreamTarget(provider, ownKeys));
  return new HttpUpstream({ targets, limits, clock });
}

const credentialHeaders = new Set(['authorization', 'x-api-key']);

/** @param ownKeys callers show keys of this gateway, which are no provider's business. */
function upstreamTarget(provider: ProviderConfig, ownKeys: boolean): UpstreamTarget {
  const { name, baseUrl, connections, keepAliveMs, apiKey } = provider;
  if (apiKey === undefined) {
    const dropHeaders = ownKeys ? credentialHeaders : new Set<string>();
    return { name, baseUrl, connections, keepAliveMs, headers: provider.headers, dropHeaders };
  }
  const credential: Record<string, string> =
    provider.kind === 'anthropic' ? { 'x-api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
  const headers = { ...credential, ...provider.headers };
  return { name, baseUrl, connections, keepAliveMs, headers, dropHeaders: credentialHeaders };
}
