import type { Call } from '../../exchange/call.ts';

/** Which calls get a policy: all that is given must fit, each by one of its patterns, in which `*` stands for anything. */
export interface PolicyRule {
  readonly policy: string;
  /** Paths below the provider's base URL, with or without `/v1`. */
  readonly route?: readonly string[] | undefined;
  readonly provider?: readonly string[] | undefined;
  readonly agent?: readonly string[] | undefined;
  /** Tools that the request offers to the model. */
  readonly tool?: readonly string[] | undefined;
  readonly model?: readonly string[] | undefined;
  readonly tenant?: readonly string[] | undefined;
  readonly team?: readonly string[] | undefined;
  /** Tags of the call or of its answer. */
  readonly tag?: readonly string[] | undefined;
  /** The conversation has at least so many messages. */
  readonly minMessages?: number | undefined;
}

/** What a call says of itself, as rules ask it. */
type Facet = (call: Call) => string | readonly string[] | undefined;

const facets = {
  route: ({ path }) => path,
  provider: ({ provider }) => provider.name,
  agent: ({ caller }) => caller.agent,
  tool: ({ facts }) => facts?.tools,
  model: ({ facts }) => facts?.model,
  tenant: ({ caller }) => caller.tenant,
  team: ({ caller }) => caller.team,
  tag: ({ caller }) =>
    caller.cacheTags === undefined ? caller.tags : [...caller.tags, ...caller.cacheTags],
} satisfies Record<string, Facet>;

type FacetName = keyof typeof facets;

const facetNames = Object.keys(facets) as FacetName[];

interface Condition {
  readonly facet: Facet;
  readonly pattern: RegExp;
}

/** A rule ready to be asked. */
export class CompiledRule {
  readonly policy: string;
  readonly #conditions: readonly Condition[];
  readonly #minMessages: number;

  constructor(rule: PolicyRule) {
    this.policy = rule.policy;
    this.#minMessages = rule.minMessages ?? 0;
    this.#conditions = facetNames.flatMap((name): Condition[] => {
      const patterns = rule[name];
      if (patterns === undefined) return [];
      const texts = name === 'route' ? patterns.map(routeOf) : patterns;
      const facet: Facet = name === 'route' ? ({ path }) => routeOf(path) : facets[name];
      return [{ facet, pattern: globs(texts) }];
    });
  }

  fits(call: Call): boolean {
    if (this.#minMessages > 0 && (call.messages ?? 0) < this.#minMessages) return false;
    return this.#conditions.every(({ facet, pattern }) => {
      const value = facet(call);
      if (value === undefined) return false;
      return typeof value === 'string'
        ? pattern.test(value)
        : value.some((each) => pattern.test(each));
    });
  }
}

/** All of a call that any of the rules looks at, as a text in which no part can run into the next: calls of the same shape get the same policy. */
export function createShape(rules: readonly PolicyRule[]): (call: Call) => string {
  const asked = facetNames
    .filter((name) => rules.some((rule) => rule[name] !== undefined))
    .map((name): Facet => facets[name]);
  const lengths = [...new Set(rules.flatMap(({ minMessages }) => minMessages ?? []))];
  // Alone, a path needs no telling apart; and most houses have no rules but ours.
  if (asked.length === 1 && asked[0] === facets.route && lengths.length === 0) return facets.route;
  return (call) => {
    let shape = '';
    for (const facet of asked) shape += shapeOf(facet(call));
    for (const length of lengths) shape += (call.messages ?? 0) < length ? '<' : '>';
    return shape;
  };
}

function shapeOf(value: string | readonly string[] | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'string') return `${value.length}:${value}`;
  let shape = `${value.length}[`;
  for (const each of value) shape += `${each.length}:${each}`;
  return shape;
}

export function compileRule(rule: PolicyRule): CompiledRule {
  return new CompiledRule(rule);
}

function routeOf(path: string): string {
  const query = path.indexOf('?');
  const bare = query < 0 ? path : path.slice(0, query);
  return bare.startsWith('/v1/') ? bare.slice(3) : bare;
}

function globs(patterns: readonly string[]): RegExp {
  const each = patterns.map((pattern) =>
    pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\/]/g, '\\$&'))
      .join('[^]*'),
  );
  return new RegExp(`^(?:${each.join('|')})$`);
}
