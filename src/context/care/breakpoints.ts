import type { Edit } from '../../kernel/splice.ts';
import type { LaidOut } from '../layout.ts';
import { bytesUpTo, regionOf, type RegionName } from '../layout.ts';
import type { CacheTerms } from '../terms.ts';
import type { ClientMarks } from './client-marks.ts';
import type { Hold } from './hold.ts';
import type { MarkForm } from './mark-form.ts';

/** A place up to which the provider is asked to keep a prompt. */
export interface Place {
  readonly region: RegionName;
  readonly item: number;
  readonly hold: 'short' | 'long';
}

/** What is to be held of a request. */
export interface Wish {
  /** Everything that is there now. */
  readonly tail: Hold;
  /** The end of tools and system prompt. */
  readonly staticPart: { readonly region: RegionName; readonly item: number } | undefined;
  readonly static: Hold;
  /** What was held before and is still there: asking for it again costs nothing and lets it be read. */
  readonly known: readonly { readonly region: RegionName; readonly item: number }[];
}

export interface Marked {
  readonly edits: readonly Edit[];
  /** Where marks stand now, the client's too, the deepest last. */
  readonly places: readonly Place[];
}

interface Options {
  readonly request: LaidOut;
  readonly terms: CacheTerms;
  readonly form: MarkForm;
  readonly client: ClientMarks;
  readonly tokensPerByte: number;
}

/**
 * Marks what is wished: the tail first, then what was held before, then the end of system prompt and tools, as long as there is room beside
 * the client's own marks. Nothing below the model's minimum, nothing where an item cannot carry a mark, and no long mark behind a short one.
 */
export function placeBreakpoints(wish: Wish, options: Options): Marked {
  const { form, client } = options;
  const taken = client.marks.map(({ region, item, isLong }): Place => {
    return { region, item, hold: isLong ? 'long' : 'short' };
  });
  const edits: Edit[] = [];
  const places = [...taken];
  let room = form.limit - taken.length - (client.isAutomatic ? 1 : 0);
  for (const { region, item, hold } of candidates(wish, options)) {
    if (room <= 0) break;
    if (places.some((place) => place.region === region && place.item === item)) continue;
    if (isTooShort({ region, item }, options) || !keepsOrder({ region, item, hold }, places)) {
      continue;
    }
    const made = markAtOrBefore({ region, item, hold }, places, options);
    if (made === undefined) continue;
    edits.push(...made.edits);
    places.push(made.place);
    room--;
  }
  return { edits, places: places.toSorted(inPromptOrder) };
}

/** How far back a mark may slip from a message that cannot carry one. */
const slip = 3;

function markAtOrBefore(
  { region, item, hold }: Place,
  places: readonly Place[],
  { request, form }: Options,
): { readonly edits: readonly Edit[]; readonly place: Place } | undefined {
  const first = region === 'messages' ? Math.max(0, item - slip) : item;
  for (let at = item; at >= first; at--) {
    if (places.some((place) => place.region === region && place.item === at)) return undefined;
    const edits = form.mark(request, region, at, hold === 'long');
    if (edits !== undefined) return { edits, place: { region, item: at, hold } };
  }
  return undefined;
}

function candidates(wish: Wish, { request: { layout }, client }: Options): Place[] {
  const wished: Place[] = [];
  const add = (place: { region: RegionName; item: number }, hold: Hold): void => {
    if (hold !== 'none') wished.push({ region: place.region, item: place.item, hold });
  };
  const messages = regionOf(layout, 'messages')!;
  const isLong = wish.tail === 'long' || wish.static === 'long';
  // Where nothing new is to be held, a mark on what is held anyway lets it be read.
  const free: Hold = wish.tail === 'long' ? 'long' : 'short';
  add({ region: 'messages', item: messages.items.length - 1 }, wish.tail);
  for (const place of wish.known) add(place, free);
  if (wish.staticPart !== undefined) {
    const hold = wish.static === 'none' ? (wish.tail === 'none' ? 'none' : free) : wish.static;
    add(wish.staticPart, isLong && hold !== 'none' ? 'long' : hold);
    const tools = regionOf(layout, 'tools');
    // Tools alone matter where the system prompt differs; a client that marks knows that better.
    const isOurs = client.marks.length === 0 && !client.isAutomatic;
    if (isOurs && wish.staticPart.region !== 'tools' && tools !== undefined) {
      add(
        { region: 'tools', item: tools.items.length - 1 },
        isLong && hold !== 'none' ? 'long' : hold,
      );
    }
  }
  return wished;
}

/** Only what is certainly below the minimum is left out: an estimate that is a little low would lose the whole prefix. */
const estimateTolerance = 1.15;

function isTooShort(
  place: { region: RegionName; item: number },
  { request, terms, tokensPerByte }: Options,
): boolean {
  const bytes = bytesUpTo(request, place.region, place.item);
  return bytes * tokensPerByte * estimateTolerance < terms.minTokens;
}

const order: readonly RegionName[] = ['tools', 'system', 'messages'];

function inPromptOrder(one: Place, other: Place): number {
  return order.indexOf(one.region) - order.indexOf(other.region) || one.item - other.item;
}

/** Providers refuse a mark for an hour behind one for five minutes. */
function keepsOrder(place: Place, places: readonly Place[]): boolean {
  return places.every((other) => {
    const isBefore = inPromptOrder(place, other) < 0;
    return isBefore
      ? place.hold === 'long' || other.hold === 'short'
      : other.hold === 'long' || place.hold === 'short';
  });
}
