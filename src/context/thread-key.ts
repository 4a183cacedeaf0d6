import { crc32 } from 'node:zlib';
import type { DialectName } from '../exchange/dialect.ts';
import {
  afterComma,
  afterSpace,
  endOfValue,
  itemsOf,
  membersFrom,
  nameAt,
  type Span,
} from '../kernel/json-members.ts';
import { endOfString } from '../kernel/json-scan.ts';
import { isSystemRole, roleAt } from './static-part.ts';

const quote = 0x22;
const brace = 0x7b;
const bracket = 0x5b;
const fingerprintBytes = 4096;

/**
 * What the first turn of a request says, as a checksum: what all requests of a conversation have in common, however their tools, system prompt
 * or marks change. Scans no further than there. Undefined where there is no such turn.
 */
export function firstTurn(dialect: DialectName, body: Buffer): number | undefined {
  const growing = dialect === 'openai-responses' ? 'input' : 'messages';
  const list = valueOf(body, growing);
  if (list === undefined) return undefined;
  if (body[list] === quote) return checksum(body, { start: list, end: endOfValue(body, list) });
  if (body[list] !== bracket) return undefined;
  let at = afterComma(body, list + 1);
  while (body[at] === brace || body[at] === quote) {
    const end = endOfValue(body, at);
    if (!isSystemRole(roleAt(body, at))) return checksum(body, textOf(body, at, end));
    at = afterComma(body, end);
  }
  return undefined;
}

/** Where the value of a top-level member begins. */
function valueOf(body: Buffer, name: string): number | undefined {
  let at = afterComma(body, afterSpace(body, 0) + 1);
  while (body[at] === quote) {
    const nameEnd = endOfString(body, at + 1, body.length) + 1;
    const start = afterSpace(body, afterSpace(body, nameEnd) + 1);
    if (nameAt(body, at, nameEnd) === name) return start;
    at = afterComma(body, endOfValue(body, start));
  }
  return undefined;
}

/** The first text of a message, so that a string and the block that it is short for count the same; else all of the message. */
function textOf(body: Buffer, start: number, end: number): Span {
  if (body[start] !== brace) return { start, end };
  for (const member of membersFrom(body, start + 1)) {
    if (member.name !== 'content' && member.name !== 'text') continue;
    if (body[member.start] === quote) return member;
    if (body[member.start] !== bracket) break;
    const [block] = itemsOf(body, member.start);
    return block === undefined ? member : textOf(body, block.start, block.end);
  }
  return { start, end };
}

function checksum(body: Buffer, { start, end }: Span): number {
  return crc32(body.subarray(start, Math.min(end, start + fingerprintBytes)), end - start);
}
