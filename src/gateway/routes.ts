import type { ProviderRef } from '../exchange/call.ts';
import type { Dialect, DialectName } from '../exchange/dialect.ts';
import { dialects } from '../exchange/wire/index.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { matchesGlob } from '../kernel/glob.ts';

/** A provider as callers reach it. */
export interface RoutedProvider {
  readonly ref: ProviderRef;
  /** Which family of paths it serves. */
  readonly kind: 'openai' | 'anthropic';
  /** Patterns with `*` of the models that it claims on the bare paths. */
  readonly models: readonly string[];
}

export interface Route {
  readonly provider: ProviderRef;
  readonly dialect: Dialect | undefined;
  /** Path and query below the provider's base URL. */
  readonly path: string;
  /** The path names no provider, so that the model may still decide. */
  readonly bare: boolean;
}

export interface RoutesOptions {
  readonly providers: readonly RoutedProvider[];
  /** Names of the providers for the bare paths. */
  readonly defaults: { readonly openai: string; readonly anthropic: string };
}

/** A safe request with a body (RFC 10008): for a question to a model the same as POST, which is what providers know. */
export const queryMethod = 'QUERY';

const openaiDialects: Record<string, DialectName> = {
  '/chat/completions': 'openai-chat',
  '/responses': 'openai-responses',
  '/embeddings': 'openai-embeddings',
  '/completions': 'openai-completions',
};
const anthropicDialects: Record<string, DialectName> = {
  '/v1/messages': 'anthropic-messages',
  '/v1/messages/count_tokens': 'anthropic-count-tokens',
};

/**
 * Which provider a path means. `/NAME/...` means the provider of that name; the bare paths of the two vendors (`/v1/...`) mean
 * the one that claims the request's model, else the default of the dialect.
 */
export class Routes {
  readonly #byName = new Map<string, RoutedProvider>();
  readonly #claims: readonly { readonly pattern: string; readonly provider: RoutedProvider }[];
  readonly #defaults: RoutesOptions['defaults'];

  constructor({ providers, defaults }: RoutesOptions) {
    for (const provider of providers) this.#byName.set(provider.ref.name, provider);
    this.#defaults = defaults;
    this.#claims = providers.flatMap((provider) =>
      provider.models.map((model) => ({ pattern: model, provider })),
    );
  }

  /** True where a body's model decides who serves it. */
  get hasClaims(): boolean {
    return this.#claims.length > 0;
  }

  /**
   * @param isAnthropic the caller shows itself as a client of Anthropic's API (`anthropic-version`); some paths exist in both.
   * @throws EconomizerError `ECO_NO_PROVIDER`.
   */
  find(method: string, target: string, isAnthropic: boolean): Route {
    const end = endOfSegment(target);
    const first = target.slice(1, end);
    const named = this.#byName.get(first);
    if (named !== undefined) {
      return { ...routeTo(named, method, absolute(target.slice(end))), bare: false };
    }
    if (first !== 'v1') {
      throw new EconomizerError(
        'ECO_NO_PROVIDER',
        `No provider serves the path ${pathOf(target)}; use /v1/... or /PROVIDER/..., with PROVIDER one of: ${[...this.#byName.keys()].join(', ')}.`,
      );
    }
    const kind = isAnthropic || target.startsWith('/v1/messages') ? 'anthropic' : 'openai';
    const provider = this.#byName.get(this.#defaults[kind]);
    if (provider === undefined) throw noDefault(kind);
    return { ...routeTo(provider, method, target), bare: true };
  }

  /** The route of a bare path once its model is known: to the provider of the same kind that claims it, else `route` itself. */
  forModel(route: Route, model: string): Route {
    const kind = this.#byName.get(route.provider.name)?.kind;
    const claim = this.#claims.find(
      ({ pattern, provider }) => provider.kind === kind && matchesGlob(pattern, model),
    );
    return claim === undefined ? route : { ...route, provider: claim.provider.ref };
  }
}

function routeTo(provider: RoutedProvider, method: string, target: string): Omit<Route, 'bare'> {
  // An OpenAI base URL ends in its version; `/NAME/v1/x` and `/NAME/x` mean the same.
  const isVersioned =
    provider.kind === 'openai' && endOfSegment(target) === 3 && target.startsWith('/v1');
  const path = isVersioned ? absolute(target.slice(3)) : target;
  const table = provider.kind === 'openai' ? openaiDialects : anthropicDialects;
  const name = method === 'POST' || method === queryMethod ? table[pathOf(path)] : undefined;
  return {
    provider: provider.ref,
    dialect: name === undefined ? undefined : dialects[name],
    path,
  };
}

/** Where the first part of a path ends: at the next slash, at the query, or at the end of all. */
function endOfSegment(target: string): number {
  const slash = target.indexOf('/', 1);
  const end = slash < 0 ? target.length : slash;
  const query = target.indexOf('?');
  return query < 0 ? end : Math.min(query, end);
}

/** What is left of a target behind its first part begins with a slash too. */
function absolute(rest: string): string {
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function noDefault(kind: string): EconomizerError {
  return new EconomizerError(
    'ECO_NO_PROVIDER',
    `No provider speaks the ${kind} dialect; configure one under "providers".`,
  );
}
