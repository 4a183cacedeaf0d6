import { noDirectives } from '../../exchange/directives.ts';
import type { Call } from '../../exchange/call.ts';
import type { KeepTerms } from '../../exchange/reply.ts';
import type { Clock } from '../../kernel/clock.ts';
import { endOfFreshness } from '../freshness.ts';
import type { CachePolicy } from '../policy.ts';
import type { CacheEntry } from '../tier.ts';
import type { EdgeNames } from './names.ts';
import { edgeShare, shareOf } from './public.ts';

/** Which stored answers the edge may go on giving to the caller and question that got them, without asking us. */
export class PublicAnswers {
  readonly #names: EdgeNames;
  readonly #clock: Clock;

  constructor({ names, clock }: { readonly names: EdgeNames; readonly clock: Clock }) {
    this.#names = names;
    this.#clock = clock;
  }

  /**
   * Undefined where only we may say, each time, what this caller gets: it shows no key of ours, so nobody else could be told from it; it asks for a
   * certain freshness; a budget presses on it or it is to be warned; the answer is private, or has less than a second left.
   */
  termsFor(call: Call, policy: CachePolicy, entry: CacheEntry): KeepTerms | undefined {
    const share = shareOf(entry);
    if (share === undefined || share !== edgeShare(policy, call)) return undefined;
    if (!isOrdinary(call)) return undefined;
    const freshMs = endOfFreshness(entry, policy) - this.#clock.now();
    if (freshMs < 1000) return undefined;
    const { tenant, key } = call.caller;
    const ours = [everyQuery, queriesOf({ tenant, id: key! })];
    const surrogateKeys = [
      ...ours.map((selector) => this.#names.surrogateKey(share, selector)),
      ...this.#names.surrogateKeys(entry, share),
    ];
    return { freshMs, surrogateKeys };
  }
}

/** What all answers that are kept so can be purged by, and those of one key; no entry of ours is called so, so they take nothing else. */
export const everyQuery = 'query';
export function queriesOf({
  tenant,
  id,
}: {
  readonly tenant: string;
  readonly id: string;
}): string {
  return `query:${JSON.stringify([tenant, id])}`;
}

function isOrdinary({ caller, directives, pressure, warnings, askedModel }: Call): boolean {
  return (
    caller.key !== undefined &&
    directives === noDirectives &&
    pressure === undefined &&
    warnings === undefined &&
    askedModel === undefined
  );
}
