import type { DialectName } from '../exchange/dialect.ts';
import type { Span } from '../kernel/json-members.ts';
import { memberNamed, type BodyMember, type BodySpans } from '../kernel/json-spans.ts';

/** The parts of a request that make its prompt. */
export type RegionName = 'tools' | 'system' | 'messages';

/** One part: a list of items, or a text that counts as its own only item. */
export interface Region {
  readonly name: RegionName;
  readonly member: BodyMember;
  readonly items: readonly Span[];
}

/** A request's prompt in the order in which providers read it, whatever the order of its members: tools, system, messages. */
export type PromptLayout = readonly Region[];

const memberNames: Partial<Record<DialectName, Readonly<Record<string, RegionName>>>> = {
  'anthropic-messages': { tools: 'tools', system: 'system', messages: 'messages' },
  'openai-chat': { tools: 'tools', messages: 'messages' },
  'openai-responses': { tools: 'tools', instructions: 'system', input: 'messages' },
};

/** Where a request's prompt lies in its bytes; undefined where it has no messages of its own. */
export function promptLayout(
  dialect: DialectName,
  spans: BodySpans,
  body: Buffer,
): PromptLayout | undefined {
  const names = memberNames[dialect];
  if (names === undefined) return undefined;
  const regions: Region[] = [];
  for (const [memberName, name] of Object.entries(names)) {
    const member = memberNamed(spans, memberName);
    if (member === undefined) continue;
    const items = member.items ?? (body[member.start] === 0x22 ? [member] : undefined);
    // A member that is null or of a form that we do not know says nothing here.
    if (items !== undefined && items.length > 0) regions.push({ name, member, items });
  }
  return regions.at(-1)?.name === 'messages' ? regions : undefined;
}

export function regionOf(layout: PromptLayout, name: RegionName): Region | undefined {
  return layout.find((region) => region.name === name);
}

/** Where a region's text begins and ends, without the bracket that closes a list: what a longer list has in common. */
export function textSpan({ member, items }: Region): Span {
  return { start: member.start, end: items.at(-1)!.end };
}

/** A request as it stands in its bytes. */
export interface LaidOut {
  readonly body: Buffer;
  readonly layout: PromptLayout;
  /** Stretches of the body that are no content: the client's marks. Ascending. */
  readonly cuts: readonly Span[];
}

/** The content of a stretch of a request's body, its marks left out. */
export function contentOf(
  { body, cuts }: Pick<LaidOut, 'body' | 'cuts'>,
  { start, end }: Span,
): Buffer[] {
  const pieces: Buffer[] = [];
  let at = start;
  for (const cut of cuts) {
    if (cut.end <= at || cut.start >= end) continue;
    pieces.push(body.subarray(at, cut.start));
    at = cut.end;
  }
  pieces.push(body.subarray(at, end));
  return pieces;
}

/** Bytes of the prompt's content, all regions together. */
export function promptBytes({ layout, cuts }: Omit<LaidOut, 'body'>): number {
  let sum = 0;
  for (const region of layout) sum += contentBytes(textSpan(region), cuts);
  return sum;
}

/** Bytes of the prompt's content, in its order, up to the end of an item. */
export function bytesUpTo(
  { layout, cuts }: Omit<LaidOut, 'body'>,
  name: RegionName,
  item: number,
): number {
  let sum = 0;
  for (const region of layout) {
    const span = textSpan(region);
    const isLast = region.name === name;
    const end = isLast ? region.items[item]!.end : span.end;
    sum += contentBytes({ start: span.start, end }, cuts);
    if (isLast) break;
  }
  return sum;
}

function contentBytes({ start, end }: Span, cuts: readonly Span[]): number {
  let bytes = end - start;
  for (const cut of cuts) if (cut.start >= start && cut.end <= end) bytes -= cut.end - cut.start;
  return bytes;
}
