import type { Call } from '../exchange/call.ts';
import type { NanoUsd } from '../kernel/money.ts';
import type { UnboundedReason } from './cost-bound.ts';

/** What a call is taken to cost at most where nothing else bounds it. */
export interface Ceiling {
  /** The provider's name; undefined: any. */
  readonly provider: string | undefined;
  /** The model as the caller names it, `*` standing for anything; undefined: any, and calls that name none. */
  readonly model: string | undefined;
  /** The path below the provider's base URL, `*` standing for anything; undefined: any. */
  readonly path: string | undefined;
  /** Why the call has no bound; undefined: whichever. */
  readonly reason: UnboundedReason | undefined;
  readonly limit: NanoUsd;
}

/** The configured ceilings, in their order. */
export class Ceilings {
  readonly #ceilings: readonly {
    readonly ceiling: Ceiling;
    readonly model: RegExp | undefined;
    readonly path: RegExp | undefined;
  }[];

  constructor(ceilings: readonly Ceiling[]) {
    this.#ceilings = ceilings.map((ceiling) => ({
      ceiling,
      model: ceiling.model === undefined ? undefined : globPattern(ceiling.model),
      path: ceiling.path === undefined ? undefined : globPattern(ceiling.path),
    }));
  }

  /** That of the first that fits; undefined where none does. */
  of({ provider, facts, path }: Call, why: UnboundedReason): NanoUsd | undefined {
    return this.#ceilings.find(
      (each) =>
        (each.ceiling.provider ?? provider.name) === provider.name &&
        (each.ceiling.reason ?? why) === why &&
        (each.model?.test(facts?.model ?? '') ?? true) &&
        (each.path?.test(path.split('?', 1)[0]!) ?? true),
    )?.ceiling.limit;
  }
}

function globPattern(glob: string): RegExp {
  const literal = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`, 's');
}
