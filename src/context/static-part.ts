import { digestOf } from '../kernel/digest.ts';
import { membersFrom } from '../kernel/json-members.ts';
import type { LaidOut } from './layout.ts';
import { contentOf, regionOf, textSpan, type Region, type RegionName } from './layout.ts';

/** The beginning of a prompt that conversations of one agent share: tools and system prompt. */
export interface StaticPart {
  /** Where it ends. */
  readonly region: RegionName;
  readonly item: number;
  /** Names it; equal bytes, equal name. */
  readonly digest: string;
}

/** What is known of one beginning that requests share. */
export interface StaticUse {
  readonly tally: { tried: number; short: number; long: number };
  lastAt: number;
  /** When a request with it was last answered. */
  answeredAt: number;
  /** As the provider counted it when it was read; undefined until then. */
  tokens: number | undefined;
  /** Until when the provider has it, as far as we asked. */
  hotUntil: number;
}

/** Finds the static part; undefined where a request begins with what its user says. */
export function staticPart(request: LaidOut): StaticPart | undefined {
  const { body, layout } = request;
  const bytes: Buffer[] = [];
  let end: { readonly region: RegionName; readonly item: number } | undefined;
  for (const name of ['tools', 'system'] as const) {
    const region = regionOf(layout, name);
    if (region === undefined) continue;
    const { start, end: to } = textSpan(region);
    bytes.push(...contentOf(request, { start, end: to }));
    end = { region: name, item: region.items.length - 1 };
  }
  const messages = regionOf(layout, 'messages');
  const leading = messages === undefined ? 0 : leadingSystem(body, messages);
  if (leading > 0) {
    const { items } = messages!;
    const span = { start: items[0]!.start, end: items[leading - 1]!.end };
    bytes.push(...contentOf(request, span));
    end = { region: 'messages', item: leading - 1 };
  }
  return end && { ...end, digest: digestOf(Buffer.concat(bytes)) };
}

/** How many system and developer messages a conversation begins with. */
function leadingSystem(body: Buffer, { items }: Region): number {
  let count = 0;
  while (count < items.length && isSystemRole(roleAt(body, items[count]!.start))) count++;
  return count;
}

export function isSystemRole(role: string | undefined): boolean {
  return role === 'system' || role === 'developer';
}

/** The role of the message whose text begins at `start`; undefined where it has none. */
export function roleAt(body: Buffer, start: number): string | undefined {
  if (body[start] !== 0x7b) return undefined;
  for (const { name, start: from, end } of membersFrom(body, start + 1)) {
    if (name === 'role')
      return end - from > 32 ? undefined : body.toString('latin1', from + 1, end - 1);
  }
  return undefined;
}
