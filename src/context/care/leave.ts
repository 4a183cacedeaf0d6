import { splice, type Edit } from '../../kernel/splice.ts';
import type { Acted, CarePlan, CareRequest } from '../care-plan.ts';
import type { RegionName } from '../layout.ts';
import type { StaticPart } from '../static-part.ts';
import type { CacheTerms, CareSwitches } from '../terms.ts';
import { placeBreakpoints, type Marked } from './breakpoints.ts';
import type { MarkForm } from './mark-form.ts';
import { cacheKeyEdit, explicitModeEdit } from './openai-members.ts';
import { appendLines } from './repair.ts';
import type { Stabilised } from './stabilise.ts';
import type { Wager } from './wagers.ts';

/** Everything that decides on the bytes that leave. */
export interface Leaving {
  readonly request: CareRequest;
  readonly form: MarkForm;
  readonly stable: Stabilised;
  readonly terms: CacheTerms;
  readonly switches: CareSwitches;
  readonly part: StaticPart | undefined;
  readonly wager: Wager;
  /** What the provider still has, the deepest first. */
  readonly known: readonly { readonly region: RegionName; readonly item: number }[];
  readonly tokensPerByte: number;
}

type Left = Pick<CarePlan, 'body' | 'verdict' | 'acted' | 'places'>;

/** The bytes that leave: what was stabilised, with marks, OpenAI's members, and the lines that belong behind the end. */
export function leave(leaving: Leaving): Left {
  const { request, stable, switches } = leaving;
  const marked = switches.breakpoints ? marks(leaving) : undefined;
  const explicit =
    marked !== undefined && staysUnwritten(leaving) ? explicitModeEdit(stable.left) : undefined;
  const key = switches.affinity ? cacheKey(leaving) : undefined;
  const appended =
    stable.lines.length === 0 ? undefined : appendLines(request.dialect, stable.left, stable.lines);
  const edits: Edit[] = [...(marked?.edits ?? [])];
  for (const edit of [explicit, key, appended]) if (edit !== undefined) edits.push(edit);
  const acted: Acted = {
    order: stable.order,
    repair: stable.lines.length > 0,
    marks: (marked?.edits.length ?? 0) > 0,
    unwritten: explicit !== undefined,
  };
  return {
    body: splice(stable.left.body, edits),
    verdict: verdictOf(acted, leaving.wager, key !== undefined),
    acted,
    places: marked?.places ?? clientPlaces(stable),
  };
}

/** What leaves where nothing is edited. */
export function untouched(stable: Stabilised, why: string): Left {
  return {
    body: stable.left.body,
    verdict: why,
    acted: { order: false, repair: false, marks: false, unwritten: false },
    places: clientPlaces(stable),
  };
}

function marks(leaving: Leaving): Marked | undefined {
  const { request, form, stable, terms, wager, part, known, tokensPerByte } = leaving;
  if (terms.maxBreakpoints === undefined) return undefined;
  // Others who serve these models or speak this dialect may refuse a member that they do not know.
  const isKnown =
    terms.mode === 'explicit'
      ? request.dialect === 'anthropic-messages'
      : request.dialect !== 'anthropic-messages' && request.priceId === 'openai';
  if (!isKnown) return undefined;
  // OpenAI writes up to the newest message anyhow, unless it is told not to.
  const writes = terms.mode === 'automatic' && !staysUnwritten(leaving);
  return placeBreakpoints(
    {
      tail: writes ? 'short' : wager.tail,
      static: writes ? 'short' : wager.static,
      staticPart: part,
      known,
    },
    { request: stable.left, terms, form, client: stable.client, tokensPerByte },
  );
}

/** OpenAI asks more for what it writes; where experience says that it will not be read, it is told not to. */
function staysUnwritten({ terms, wager }: Leaving): boolean {
  return terms.mode === 'automatic' && wager.tail === 'none' && wager.isExperienced;
}

function cacheKey({ request, stable, part }: Leaving): Edit | undefined {
  if (request.priceId !== 'openai' || part === undefined) return undefined;
  const { tenant, agent } = request;
  return cacheKeyEdit(request.dialect, stable.left, { tenant, agent, prefix: part.digest });
}

function clientPlaces({ client }: Stabilised): CarePlan['places'] {
  return client.marks.map(({ region, item, isLong }) => ({
    region,
    item,
    hold: isLong ? 'long' : 'short',
  }));
}

function verdictOf(acted: Acted, wager: Wager, hasKey: boolean): string {
  const words = [
    ...(acted.marks ? [`marked-${wager.tail}`] : []),
    ...(acted.order ? ['ordered'] : []),
    ...(acted.repair ? ['repaired'] : []),
    ...(acted.unwritten ? ['unwritten'] : []),
    ...(hasKey ? ['keyed'] : []),
  ];
  return words.length === 0 ? 'as-it-came' : words.join('+');
}
