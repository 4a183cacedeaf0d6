import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { budgetsOf } from './budget-parts.ts';
import type { Walls } from '../budget/walls.ts';
import { allowanceGate } from '../access/allowance.ts';
import { Keyring } from '../access/keyring.ts';
import type { KeyStore } from '../access/store.ts';
import { createMemoryKeyStore } from '../access/stores/memory.ts';
import { installationSecret, newSecret } from '../cache/installation-secret.ts';
import { Recogniser } from '../cache/recognise.ts';
import type { CacheStack } from '../cache/stack.ts';
import { secretInUse, openCacheParts, type CacheFaces } from './cache-parts.ts';
import type { Config, ProviderConfig } from '../config/config.ts';
import { FanOut } from '../context/care/fan-out.ts';
import { ContextCare } from '../context/context-care.ts';
import { Fitter } from '../context/fitting/fitter.ts';
import { TokenMeter } from '../context/fitting/token-meter.ts';
import { extendSteps } from '../exchange/tool-steps.ts';
import type { Upstream } from '../exchange/upstream.ts';
import { Access } from '../gateway/access.ts';
import type { AdminRoute } from '../gateway/admin/route.ts';
import { adminRoutes } from '../gateway/admin/routes.ts';
import { Routes, type RoutedProvider } from '../gateway/routes.ts';
import type { Clock } from '../kernel/clock.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Signals } from '../kernel/signals.ts';
import { pricedCacheRules } from '../ledger/cache-terms.ts';
import { modelEconomics } from '../ledger/model-economics.ts';
import { createLedger, type Ledger } from '../ledger/ledger.ts';
import { createPriceBook, type PriceBook } from '../ledger/price-book.ts';
import { createTokenEstimator } from '../ledger/token-estimate.ts';
import { usagePricer } from '../ledger/usage-pricer.ts';
import type { Books } from '../pipeline/book.ts';
import { createPipeline, type Pipeline, type PipelineParts } from '../pipeline/stages.ts';
import { withoutUs } from '../pipeline/without-us.ts';
import { openSharedParts, type SharedParts } from './shared-parts.ts';
import { assembleProtection } from './protection-parts.ts';
import { openTools, type ToolParts } from './tool-parts.ts';
import { HttpUpstream, type UpstreamTarget } from '../upstream/http.ts';

/** The house put together from its configuration, but for an edge. */
export interface Assembly extends CacheFaces {
  readonly pipeline: Pipeline;
  readonly routes: Routes;
  readonly access: Access;
  /** Names of providers that see the caller's own credential. */
  readonly bringYourOwn: ReadonlySet<string>;
  readonly tools: ToolParts;
  /** Undefined where nothing is shared with other gateways. */
  readonly shared: SharedParts | undefined;
  readonly adminRoutes: readonly AdminRoute[];
  /** Undefined where the configuration switches it off. */
  readonly ledger: Ledger | undefined;
  /** Resolves when what is shared with other gateways is known, or has taken too long; never rejects. */
  ready(): Promise<void>;
  /** Undefined where no budget is configured. */
  readonly walls: Walls | undefined;
  /** Finishes what nobody waits for, then closes everything in reverse. */
  close(): Promise<void>;
}

export interface AssemblyOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Where keys are that do not stand in the configuration. Closed with the house. */
  readonly keyStore?: KeyStore;
  /** In place of HTTP, for simulations. */
  readonly upstream?: Upstream;
}

/** Opens every part but the edge. */
export function assemble(options: AssemblyOptions): Assembly {
  const { config, clock, signals, keyStore = createMemoryKeyStore() } = options;
  for (const text of config.warnings) signals.emit('notice', { text });
  const configuredKeys = config.access.keys;
  const keyring = new Keyring({ configured: configuredKeys, store: keyStore, clock, signals });
  const http = options.upstream === undefined ? httpUpstream(config, clock) : undefined;
  const keeps = keepsFiles(config);
  if (keeps) mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const ownSecret = keeps ? installationSecret(config.dataDirectory) : newSecret();
  const shared = openSharedParts({ config, clock, signals, ownSecret, keeps });
  const secret = secretInUse(config, shared, ownSecret);
  const cache = openCacheParts({ config, clock, signals, shared, secret, keeps, keyring });
  const { stack, purger } = cache.faces;
  const ledger = config.ledger.enabled ? openLedger(options) : undefined;
  const priceBook = createPriceBook({ overrides: config.prices });
  const budgets = budgetsOf({ config, clock, signals, ledger, priceBook, shared });
  const guarded = assembleProtection({ config, clock, signals, budgets, ledger, priceBook });
  const basics = { secret, books: ledger ?? noBooks, clock, signals };
  const pipeline = createPipeline({
    ...guarded,
    ...basics,
    upstream: options.upstream ?? http!,
    recogniser: recogniserOf(config),
    ...cache.forPipeline,
    price: usagePricer(priceBook),
    tokens: createTokenEstimator(),
    without: withoutUs(clock, priceBook),
    care: careOf(config, priceBook),
    fitter: fitterOf(options, priceBook),
    keepWarm: keepWarmOf(config),
    budgets,
    mayRefresh: budgets && (({ caller }) => budgets.walls.hasLeeway(caller, clock.now())),
    sharing: shared?.sharing,
    gates: [allowanceGate, ...guarded.gates],
    fanOut: config.care.fanOut ? new FanOut({ maxWaitMs: config.care.fanOutWaitMs }) : undefined,
  });
  return {
    pipeline,
    routes: routesOf(config),
    access: new Access({ keyring, adminSha256: config.access.adminSha256 }),
    bringYourOwn: bringYourOwn(config),
    ...cache.faces,
    tools: openTools({ cache, ...basics }),
    shared,
    adminRoutes: adminRoutes({
      keyStore,
      configuredKeys,
      clock,
      report: async (query) => (await ledger?.report(query)) ?? [],
      purger,
      budgetDesk: guarded.budgetDesk,
      stores: () => storeHealth({ stack, ledger, keyStore }),
    }),
    ledger,
    walls: budgets?.walls,
    ready: () => cache.ready(),
    close: once(async () => {
      // A provider that hangs must not keep us open.
      const stop = clock.after(config.shutdownGraceMs, () => void http?.destroy());
      await pipeline.idle();
      await http?.close();
      stop();
      // In reverse, what others are built on last.
      for (const part of [guarded, budgets?.walls, cache, shared, ledger, keyStore]) {
        await part?.close();
      }
    }),
  };
}

/** Reads of requests what the parts that are switched on need to know, and no more. */
function recogniserOf({ limits, budgets, runaway }: Config): Recogniser {
  return new Recogniser({
    depth: limits.depth,
    spend: budgets.length > 0,
    ...(runaway.warnAfter === undefined ? {} : { readSteps: extendSteps }),
  });
}

function bringYourOwn({ providers }: Config): ReadonlySet<string> {
  return new Set(providers.filter(({ apiKey }) => apiKey === undefined).map(({ name }) => name));
}

function keepsFiles({ ledger, cache, budgets, budgeting }: Config): boolean {
  const keepsBudgets = budgets.length > 0 && budgeting.store === 'sqlite';
  return ledger.enabled || (cache.enabled && cache.disk.enabled) || keepsBudgets;
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

interface StoresToAsk {
  readonly stack: CacheStack;
  readonly ledger: Ledger | undefined;
  readonly keyStore: KeyStore;
}

/** How each store is; a store that cannot be asked is not `ok`. */
async function storeHealth({
  stack,
  ledger,
  keyStore,
}: StoresToAsk): Promise<Readonly<Record<string, JsonObject>>> {
  const health: Record<string, JsonObject> = {};
  for (const { tier, stats, ...counts } of await stack.stats()) {
    health[`cache-${tier}`] = { ok: stats !== undefined, ...counts, ...stats };
  }
  if (ledger !== undefined) health['ledger'] = { ok: await succeeds(() => ledger.recent(1)) };
  health['keys'] = { ok: await succeeds(() => keyStore.list()) };
  return health;
}

async function succeeds(ask: () => unknown): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch {
    // Whoever uses the store has told of its failure.
    return false;
  }
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

function keepWarmOf({ care }: Config): PipelineParts['keepWarm'] {
  if (!care.keepWarm) return undefined;
  return { perSession: care.keepWarmPerSession, perDay: care.keepWarmPerDay };
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

function routesOf({ providers, defaultProviders }: Config): Routes {
  return new Routes({ providers: providers.map(routedProvider), defaults: defaultProviders });
}

function routedProvider(provider: ProviderConfig): RoutedProvider {
  const { name, priceId, asksStreamUsage, kind, models } = provider;
  return { ref: { name, priceId, asksStreamUsage }, kind, models };
}

function httpUpstream({ providers, limits }: Config, clock: Clock): HttpUpstream {
  const targets = providers.map(upstreamTarget);
  return new HttpUpstream({ targets, limits, clock });
}

const credentialHeaders = new Set(['authorization', 'x-api-key']);

/** Where callers show keys of this gateway, the door has taken them away already. */
function upstreamTarget(provider: ProviderConfig): UpstreamTarget {
  const { name, baseUrl, connections, keepAliveMs, apiKey } = provider;
  if (apiKey === undefined) {
    const { headers } = provider;
    return { name, baseUrl, connections, keepAliveMs, headers, dropHeaders: new Set() };
  }
  const credential: Record<string, string> =
    provider.kind === 'anthropic' ? { 'x-api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
  const headers = { ...credential, ...provider.headers };
  return { name, baseUrl, connections, keepAliveMs, headers, dropHeaders: credentialHeaders };
}
