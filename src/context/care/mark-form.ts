import type { DialectName } from '../../exchange/dialect.ts';
import { itemsOf, membersOf, type Member, type Span } from '../../kernel/json-members.ts';
import type { Edit } from '../../kernel/splice.ts';
import type { LaidOut } from '../layout.ts';
import { regionOf, type RegionName } from '../layout.ts';

/** How a dialect writes marks. */
export interface MarkForm {
  /** The member that is a mark. */
  readonly name: string;
  /** Marks of the client and of ours together that a request may carry. */
  readonly limit: number;
  /** The edits that mark the end of an item; undefined where it cannot carry a mark. */
  mark(request: LaidOut, region: RegionName, item: number, isLong: boolean): Edit[] | undefined;
}

const quote = 0x22;
const brace = 0x7b;
const bracket = 0x5b;

/** Blocks of Anthropic's that may carry `cache_control`; thinking may not, and of a kind that we do not know we cannot tell. */
const anthropicBlocks = new Set([
  'text',
  'image',
  'document',
  'search_result',
  'tool_use',
  'tool_result',
  'server_tool_use',
  'web_search_tool_result',
  'web_fetch_tool_result',
]);

const anthropic: MarkForm = {
  name: 'cache_control',
  limit: 4,
  mark(request, name, index, isLong) {
    const mark = `"cache_control":{"type":"ephemeral"${isLong ? ',"ttl":"1h"' : ''}}`;
    const { body } = request;
    const item = regionOf(request.layout, name)?.items[index];
    if (item === undefined) return undefined;
    if (name === 'tools') {
      const isDeferred = body.subarray(item.start, item.end).includes('"defer_loading"');
      return isDeferred || body[item.start] !== brace ? undefined : [inObject(body, item, mark)];
    }
    if (name === 'system' && body[item.start] !== quote) return inBlock(body, item, mark);
    if (name === 'system') return aroundText(body, item, 'text', mark);
    const content = contentOf(body, item);
    if (content === undefined) return undefined;
    if (body[content.start] === quote) return aroundText(body, content, 'text', mark);
    const block = body[content.start] === bracket ? itemsOf(body, content.start).at(-1) : undefined;
    return block && inBlock(body, block, mark);
  },
};

function inBlock(body: Buffer, block: Span, mark: string): Edit[] | undefined {
  if (body[block.start] !== brace) return undefined;
  const members = membersOf(body, block.start);
  const type = textMember(body, members, 'type');
  if (type === undefined || !anthropicBlocks.has(type)) return undefined;
  const text = members.find(({ name }) => name === 'text');
  // An empty text cannot carry a mark.
  if (type === 'text' && (text === undefined || text.end - text.start <= 2)) return undefined;
  return members.some(({ name }) => name === 'cache_control')
    ? undefined
    : [inObject(body, block, mark)];
}

/** Roles whose content may carry a breakpoint: what goes in, not what the model wrote. */
const inputRoles = new Set(['system', 'developer', 'user', 'tool']);
const openAiParts = new Set([
  'text',
  'image_url',
  'input_audio',
  'file',
  'input_text',
  'input_image',
  'input_file',
]);

/** OpenAI's from GPT-5.6 on. Three, since the breakpoint that it sets by itself takes the fourth write. */
const openAi = (textType: string): MarkForm => ({
  name: 'prompt_cache_breakpoint',
  limit: 3,
  mark({ body, layout }, name, index) {
    const mark = '"prompt_cache_breakpoint":{"mode":"explicit"}';
    const item = name === 'messages' ? regionOf(layout, name)?.items[index] : undefined;
    if (item === undefined || body[item.start] !== brace) return undefined;
    const members = membersOf(body, item.start);
    const role = textMember(body, members, 'role');
    const content = members.find((member) => member.name === 'content');
    if (role === undefined || !inputRoles.has(role) || content === undefined) return undefined;
    if (body[content.start] === quote) return aroundText(body, content, textType, mark);
    const part = body[content.start] === bracket ? itemsOf(body, content.start).at(-1) : undefined;
    if (part === undefined || body[part.start] !== brace) return undefined;
    const fields = membersOf(body, part.start);
    const isKnown = openAiParts.has(textMember(body, fields, 'type') ?? '');
    const isMarked = fields.some((field) => field.name === 'prompt_cache_breakpoint');
    return isKnown && !isMarked ? [inObject(body, part, mark)] : undefined;
  },
});

const forms: Partial<Record<DialectName, MarkForm>> = {
  'anthropic-messages': anthropic,
  'openai-chat': openAi('text'),
  'openai-responses': openAi('input_text'),
};

/** How marks are written in a dialect; undefined where there are none. */
export function markForm(dialect: DialectName): MarkForm | undefined {
  return forms[dialect];
}

/** A text becomes a list of one text block, which is what the text is short for; its own bytes stay. */
function aroundText(body: Buffer, text: Span, type: string, mark: string): Edit[] | undefined {
  if (body[text.start] !== quote || text.end - text.start <= 2) return undefined;
  return [insertion(text.start, `[{"type":"${type}","text":`), insertion(text.end, `,${mark}}]`)];
}

/** Behind the last member of an object that has some. */
function inObject(body: Buffer, { end }: Span, mark: string): Edit {
  let at = end - 1;
  while (
    body[at - 1] === 0x20 ||
    body[at - 1] === 0x0a ||
    body[at - 1] === 0x0d ||
    body[at - 1] === 0x09
  )
    at--;
  return insertion(at, `,${mark}`);
}

function insertion(at: number, text: string): Edit {
  return { start: at, end: at, bytes: Buffer.from(text) };
}

function contentOf(body: Buffer, item: Span): Span | undefined {
  if (body[item.start] !== brace) return undefined;
  return membersOf(body, item.start).find(({ name }) => name === 'content');
}

function textMember(body: Buffer, members: readonly Member[], name: string): string | undefined {
  const member = members.find((each) => each.name === name);
  if (member === undefined || member.end - member.start > 66) return undefined;
  return body.toString('latin1', member.start + 1, member.end - 1);
}
