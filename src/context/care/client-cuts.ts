import { itemsOf, membersOf } from '../../kernel/json-members.ts';
import type { Edit } from '../../kernel/splice.ts';
import type { LaidOut } from '../compare.ts';
import { regionOf, type RegionName } from '../layout.ts';
import type { ClientMark } from './normalise.ts';
import { memberCut } from './without-member.ts';

const brace = 0x7b;
const bracket = 0x5b;

/**
 * The edits that take the client's marks out of a request, for comparing: marks are no content, and clients move them along with the
 * conversation. What is forwarded keeps them.
 */
export function clientCuts(request: LaidOut, marks: readonly ClientMark[], name: string): Edit[] {
  const places = new Map<string, { region: RegionName; item: number }>();
  for (const { region, item } of marks) places.set(`${region} ${item}`, { region, item });
  return [...places.values()].flatMap(({ region, item }) => {
    const span = regionOf(request.layout, region)?.items[item];
    return span === undefined ? [] : cutsIn(request.body, span.start, name, 3);
  });
}

/** The marks of an object and of the blocks in its content. */
function cutsIn(body: Buffer, start: number, name: string, depth: number): Edit[] {
  if (body[start] !== brace || depth === 0) return [];
  const own = memberCut(body, start, name);
  const edits = own === undefined ? [] : [own.edit];
  const content = membersOf(body, start).find((member) => member.name === 'content');
  if (content === undefined || body[content.start] !== bracket) return edits;
  for (const block of itemsOf(body, content.start)) {
    edits.push(...cutsIn(body, block.start, name, depth - 1));
  }
  return edits;
}
