import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Recogniser } from './cache/recognise.ts';
import { CacheStack } from './cache/stack.ts';
import type { CacheTier } from './cache/tier.ts';
import { createMemoryTier } from './cache/tiers/memory.ts';
import { createSqliteTier } from './cache/tiers/sqlite.ts';
import type { Config, ProviderConfig } from './config/config.ts';
import type { Upstream } from './exchange/upstream.ts';
import { Access } from './gateway/access.ts';
import { Routes, type RoutedProvider } from './gateway/routes.ts';
import type { Clock } from './kernel/clock.ts';
import type { Signals } from './kernel/signals.ts';
import { costOf } from './ledger/cost.ts';
import { counterfactualOf } from './ledger/counterfactual.ts';
import { createLedger, type Ledger } from './ledger/ledger.ts';
import { prefixRules } from './ledger/prefix-rules.ts';
import { createPriceBook, type PriceBook } from './ledger/price-book.ts';
import { estimateTokens } from './ledger/token-estimate.ts';
import type { PriceUsage } from './pipeline/accountant.ts';
import type { Books } from './pipeline/book.ts';
import type { WithoutUs } from './pipeline/recall.ts';
import { createPipeline, type Pipeline } from './pipeline/stages.ts';
import { HttpUpstream, type UpstreamTarget } from './upstream/http.ts';

/** The house put together from its configuration, but for an edge. */
export interface Assembly {
  readonly pipeline: Pipeline;
  readonly routes: Routes;
  readonly access: Access;
  /** Names of providers that see the caller's own credential. */
  readonly bringYourOwn: ReadonlySet<string>;
  readonly stack: CacheStack;
  /** Undefined where the configuration switches it off. */
  readonly ledger: Ledger | undefined;
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

export async function assemble(options: AssemblyOptions): Promise<Assembly> {
  const { config, clock, signals } = options;
  const http = options.upstream === undefined ? httpUpstream(config, clock) : undefined;
  mkdirSync(config.dataDirectory, { recursive: true, mode: 0o700 });
  const stack = new CacheStack({ tiers: tiersOf(options), clock, signals });
  const ledger = config.ledger.enabled ? await openLedger(options) : undefined;
  const priceBook = createPriceBook({ overrides: config.prices });
  const pipeline = createPipeline({
    upstream: options.upstream ?? http!,
    recogniser: new Recogniser({ depth: config.limits.depth }),
    secret: installationSecret(config.dataDirectory),
    stack,
    policy: policyOf(config),
    books: ledger ?? noBooks,
    price: pricing(priceBook),
    estimate: estimateTokens,
    without: withoutUs(clock, pricing(priceBook)),
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
    ledger,
    async close() {
      await pipeline.idle();
      await http?.close();
      await stack.close();
      await ledger?.close();
    },
  };
}

const noBooks: Books = { book: () => Promise.resolve() };

function tiersOf({ config, clock, signals }: AssemblyOptions): CacheTier[] {
  const { enabled, memory, disk } = config.cache;
  const tiers: CacheTier[] = [];
  if (enabled && memory.enabled) tiers.push(createMemoryTier({ ...memory, clock }));
  if (enabled && disk.enabled) tiers.push(createSqliteTier({ ...disk, clock, signals }));
  return tiers;
}

function openLedger({ config, clock, signals }: AssemblyOptions): Promise<Ledger> {
  return createLedger({
    directory: config.dataDirectory,
    retentionMs: config.ledger.retentionMs,
    clock,
    signals,
  });
}

function policyOf({ cache }: Config) {
  return { ...cache, reuse: { sampled: cache.reuseSampled, unset: cache.reuseUnset } };
}

function pricing(book: PriceBook): PriceUsage {
  return ({ usage, ...question }) => {
    const price = book.find(question);
    return price === undefined ? undefined : costOf(usage, price);
  };
}

/** The counterfactual of a reused answer: the usage counted when it was given, less what the provider's own prefix cache would have saved. */
function withoutUs(clock: Clock, price: PriceUsage): WithoutUs {
  return (call, { entry }) => {
    const { answer } = entry;
    if (answer.usage === undefined) return undefined;
    const { priceId } = call.provider;
    const model = answer.model ?? call.facts!.model;
    const { usage, basis } = counterfactualOf({
      answerUsage: answer.usage,
      usageSource: answer.usageSource ?? 'estimated',
      rules: prefixRules(priceId, model),
      ageMs: clock.now() - entry.storedAt,
    });
    const question = { provider: priceId, serviceTier: answer.serviceTier, at: call.startedAt, usage };
    const costNanos = price({ ...question, model }) ?? price({ ...question, model: call.facts!.model });
    return { usage, costNanos, totalMs: answer.totalMs, basis };
  };
}

function routedProvider(provider: ProviderConfig): RoutedProvider {
  const { name, priceId, asksStreamUsage, kind, models } = provider;
  return { ref: { name, priceId, asksStreamUsage }, kind, models };
}

function httpUpstream({ providers, limits }: Config, clock: Clock): HttpUpstream {
  return new HttpUpstream({ targets: providers.map(upstreamTarget), limits, clock });
}

const credentialHeaders = new Set(['authorization', 'x-api-key']);

function upstreamTarget(provider: ProviderConfig): UpstreamTarget {
  const { name, baseUrl, connections, keepAliveMs, apiKey } = provider;
  if (apiKey === undefined) {
    return { name, baseUrl, connections, keepAliveMs, headers: provider.headers, dropHeaders: new Set() };
  }
  const credential: Record<string, string> =
    provider.kind === 'anthropic' ? { 'x-api-key': apiKey } : { authorization: `Bearer ${apiKey}` };
  const headers = { ...credential, ...provider.headers };
  return { name, baseUrl, connections, keepAliveMs, headers, dropHeaders: credentialHeaders };
}

/** The secret that makes this installation's cache keys its own; made at the first start. */
function installationSecret(directory: string): string {
  const file = join(directory, 'secret');
  try {
    // `wx`: of several processes that start at once, one writes and all read.
    writeFileSync(file, randomBytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  return readFileSync(file, 'utf8');
}
