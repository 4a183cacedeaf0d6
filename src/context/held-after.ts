import type { CarePlan } from './care-plan.ts';
import { bytesUpTo, regionOf, type RegionName } from './layout.ts';
import type { CacheTerms } from './terms.ts';
import type { Held } from './thread.ts';

/** About how many tokens a prompt has up to the end of an item: its share of the bytes. */
export function tokensUpTo(
  plan: CarePlan,
  { region, item }: { readonly region: RegionName; readonly item: number },
  total: number,
): number {
  return Math.round((total * bytesUpTo(plan.form, region, item)) / plan.bytes);
}

/** What the provider holds of a conversation after a request of so many input tokens; the deepest first. */
export function heldAfter(plan: CarePlan, total: number, terms: CacheTerms): Held[] {
  if (terms.mode === 'none' || total < terms.minTokens) return [];
  const { request, places, client, acted } = plan;
  const messages = regionOf(plan.form.layout, 'messages')!;
  const newest = { region: 'messages' as const, item: messages.items.length - 1 };
  const isClients = (region: RegionName, item: number): boolean =>
    client.marks.some((mark) => mark.region === region && mark.item === item);
  const held: Held[] = [];
  const add = (place: { region: RegionName; item: number }, isLong: boolean, own: boolean) => {
    if (held.some(({ region, item }) => region === place.region && item === place.item)) return;
    const tokens = tokensUpTo(plan, place, total);
    if (tokens < terms.minTokens) return;
    const ttlMs = isLong ? (terms.ttlLongMs ?? terms.ttlMs) : terms.ttlMs;
    const bytes = bytesUpTo(plan.form, place.region, place.item);
    held.push({ ...place, bytes, tokens, expiresAt: request.at + ttlMs, isClients: own });
  };
  const isImplicit = terms.mode === 'automatic' ? !acted.unwritten : client.isAutomatic;
  if (isImplicit) add(newest, false, true);
  for (const { region, item, hold } of places.toReversed()) {
    if (terms.maxBreakpoints !== undefined) {
      add({ region, item }, hold === 'long', isClients(region, item));
    }
  }
  return held;
}
