import { EconomizerError } from '../../kernel/errors.ts';
import type { AdminRoute } from './route.ts';

interface Entry {
  readonly route: AdminRoute;
  readonly parts: readonly string[];
}

export interface FoundRoute {
  readonly route: AdminRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a path. */
export class RouteTable {
  readonly #entries: readonly Entry[];

  /** @throws EconomizerError `ECO_INTERNAL` where two routes answer to the same. */
  constructor(routes: readonly AdminRoute[]) {
    this.#entries = routes.map((route) => ({ route, parts: route.path.split('/') }));
    const names = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, ':')}`);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw new EconomizerError('ECO_INTERNAL', `Two admin routes answer to ${twice}.`);
    }
  }

  /**
   * @param path below the prefix, without query, as it came.
   * @throws EconomizerError `ECO_NO_ADMIN_ROUTE`.
   */
  find(method: string, path: string): FoundRoute {
    const given = path.split('/').map(decoded);
    const fitting = this.#entries.filter(({ parts }) => fits(parts, given));
    // A part named in full goes before one that stands for any.
    const [best] = fitting
      .filter(({ route }) => route.method === method)
      .toSorted((one, other) => wildcards(one.parts) - wildcards(other.parts));
    if (best !== undefined) {
      return { route: best.route, params: paramsOf(best.parts, given as readonly string[]) };
    }
    const methods = fitting.map(({ route }) => route.method).join(', ');
    throw new EconomizerError(
      'ECO_NO_ADMIN_ROUTE',
      methods === ''
        ? 'The admin API has no such path; docs/reference/admin.md lists all there are.'
        : `The admin API has this path for ${methods} only.`,
    );
  }
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function fits(parts: readonly string[], given: readonly (string | undefined)[]): boolean {
  return (
    parts.length === given.length &&
    parts.every((part, index) =>
      part.startsWith(':') ? Boolean(given[index]) : part === given[index],
    )
  );
}

function wildcards(parts: readonly string[]): number {
  return parts.filter((part) => part.startsWith(':')).length;
}

/** A record without a prototype: names come from us, values from outside. */
function paramsOf(parts: readonly string[], given: readonly string[]): Record<string, string> {
  const params: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [index, part] of parts.entries()) {
    if (part.startsWith(':')) params[part.slice(1)] = given[index]!;
  }
  return params;
}
