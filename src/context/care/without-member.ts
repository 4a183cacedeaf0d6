import { membersOf } from '../../kernel/json-members.ts';
import { splice, type Edit } from '../../kernel/splice.ts';

/** An object's text without one of its members, and that member's text (name and value) where it had it. */
export function withoutMember(
  object: Buffer,
  name: string,
): { readonly rest: Buffer; readonly value: string | undefined } {
  if (!object.includes(`"${name}"`)) return { rest: object, value: undefined };
  const cut = memberCut(object, 0, name);
  if (cut === undefined) return { rest: object, value: undefined };
  return { rest: splice(object, [cut.edit]), value: cut.text };
}

/** The edit that takes a member out of the object whose brace is at `open`, with the comma that goes with it. */
export function memberCut(
  body: Buffer,
  open: number,
  name: string,
): { readonly edit: Edit; readonly text: string } | undefined {
  const members = membersOf(body, open);
  const index = members.findIndex((member) => member.name === name);
  const member = members[index];
  if (member === undefined) return undefined;
  const before = members[index - 1];
  const after = members[index + 1];
  const start = before === undefined ? member.nameStart : before.end;
  const end = before === undefined && after !== undefined ? after.nameStart : member.end;
  return {
    edit: { start, end, bytes: Buffer.alloc(0) },
    text: body.toString('utf8', member.nameStart, member.end),
  };
}
