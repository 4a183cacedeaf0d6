import { itemsOf, membersOf, type Span } from '../../kernel/json-members.ts';
import type { LaidOut } from '../layout.ts';
import { regionOf, type RegionName } from '../layout.ts';
import type { ClientMark } from './normalise.ts';
import { memberCut } from './without-member.ts';

const brace = 0x7b;
const bracket = 0x5b;

/**
 * Where the client's marks stand in a request: they are no content, and clients move them along with the conversation. Ascending.
 */
export function clientCuts(
  request: Omit<LaidOut, 'cuts'>,
  marks: readonly ClientMark[],
  name: string,
): Span[] {
  if (marks.length === 0) return [];
  const places = new Map<string, { region: RegionName; item: number }>();
  for (const { region, item } of marks) places.set(`${region} ${item}`, { region, item });
  const cuts = [...places.values()].flatMap(({ region, item }) => {
    const span = regionOf(request.layout, region)?.items[item];
    return span === undefined ? [] : cutsIn(request.body, span.start, name, 3);
  });
  return cuts.sort((one, other) => one.start - other.start);
}

/** The marks of an object and of the blocks in its content. */
function cutsIn(body: Buffer, start: number, name: string, depth: number): Span[] {
  if (body[start] !== brace || depth === 0) return [];
  const own = memberCut(body, start, name);
  const edits: Span[] = own === undefined ? [] : [own.edit];
  const content = membersOf(body, start).find((member) => member.name === 'content');
  if (content === undefined || body[content.start] !== bracket) return edits;
  for (const block of itemsOf(body, content.start)) {
    edits.push(...cutsIn(body, block.start, name, depth - 1));
  }
  return edits;
}
