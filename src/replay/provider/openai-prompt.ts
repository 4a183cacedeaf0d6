import { arrayOf, isObject, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { joined, opaque, type Breakpoint, type Hold, type Prompt } from './prompt.ts';
import type { Tokenizer } from './tokenizer.ts';

/** What frames a message (`<|im_start|>`, `<|im_sep|>`, `<|im_end|>`) and opens the answer; ids of `o200k_base`. */
const messageStart = 200_264;
const messageSeparator = 200_266;
const messageEnd = 200_265;
/** An image of 1024 by 1024 in high detail. */
const imageTokens = 765;
/** OpenAI looks for held prefixes at the latest 80 breakpoints. */
const latestBreakpoints = 80;
const maxWrites = 4;
const dayMs = 86_400_000;

/** The prompt of a chat or responses request: tools, instructions, then messages or items. */
export function openaiPrompt(body: JsonObject, tokenizer: Tokenizer): Prompt {
  const parts: Uint32Array[] = [];
  const ends: number[] = [];
  const marks: Breakpoint[] = [];
  const requestHold = holdOf(body['prompt_cache_options']);
  let newestInput: number | undefined;
  let fault: string | undefined;
  for (const tool of arrayOf(body['tools'])) {
    const text = isObject(tool) ? JSON.stringify(tool['function'] ?? tool) : '';
    parts.push(tokenizer.ids(text));
  }
  for (const message of messagesOf(body)) {
    const blocks = blocksOf(message);
    const head = [messageStart, ...tokenizer.ids(roleOf(message)), messageSeparator];
    for (const [index, block] of blocks.entries()) {
      const ids = blockIds(block, tokenizer);
      const opens = index === 0 ? head : [];
      const closes = index === blocks.length - 1 ? [messageEnd] : [];
      parts.push(joined(opens, ids, closes));
      const hold = markOf(block, requestHold);
      if (hold === undefined) continue;
      marks.push({ part: parts.length - 1, hold });
      // What the model wrote carries no breakpoint.
      if (roleOf(message) === 'assistant') fault ??= unmarkable;
    }
    ends.push(parts.length - 1);
    if (isInput(message)) newestInput = parts.length - 1;
  }
  const opening = [messageStart, ...tokenizer.ids('assistant'), messageSeparator];
  parts.push(Uint32Array.from(opening));
  const implicit = newestInput ?? ends.at(-1);
  const breakpoints = withImplicit(body, marks, implicit, requestHold);
  // Whoever wants only its own marks written has only them looked up.
  const places = new Set([...(isExplicit(body) ? [] : ends), ...marks.map(({ part }) => part)]);
  return {
    parts,
    breakpoints,
    lookups: [...places].sort((a, b) => a - b).slice(-latestBreakpoints),
    fault,
    ttlMs: body['prompt_cache_retention'] === '24h' ? dayMs : undefined,
  };
}

const unmarkable = 'prompt_cache_breakpoint is not supported on assistant content.';

/**
 * From GPT-5.6 on the newest message of the user or of a tool is a breakpoint, and the latest three marks are written; a caller who wants only
 * its own marks gets the latest four.
 */
function withImplicit(
  body: JsonObject,
  marks: Breakpoint[],
  newest: number | undefined,
  hold: Hold,
): Breakpoint[] {
  if (newest === undefined || isExplicit(body)) {
    return marks.slice(-maxWrites);
  }
  const others = marks.filter(({ part }) => part !== newest).slice(1 - maxWrites);
  return [...others, { part: newest, hold }].toSorted((one, other) => one.part - other.part);
}

function isExplicit(body: JsonObject): boolean {
  const options = body['prompt_cache_options'];
  return isObject(options) && options['mode'] === 'explicit';
}

/** What goes into the model: what a user, a tool or a system says. */
function isInput(message: JsonObject): boolean {
  return /^(?:user|tool|function|function_call_output|.*_output)$/.test(roleOf(message));
}

function messagesOf(body: JsonObject): JsonObject[] {
  if (Array.isArray(body['messages'])) return arrayOf(body['messages']).filter(isObject);
  const instructions = textOf(body['instructions']);
  const first = instructions === undefined ? [] : [{ role: 'developer', content: instructions }];
  const { input, prompt } = body;
  const text = textOf(input) ?? textOf(prompt);
  if (text !== undefined) return [...first, { role: 'user', content: text }];
  return [...first, ...arrayOf(input ?? prompt).map(itemOf)];
}

function itemOf(item: JsonValue): JsonObject {
  return isObject(item) ? item : { role: 'user', content: JSON.stringify(item) };
}

function roleOf(message: JsonObject): string {
  return textOf(message['role']) ?? textOf(message['type']) ?? 'user';
}

/** A message's content parts, then whatever else it carries (tool calls, reasoning, a tool's answer). */
function blocksOf(message: JsonObject): JsonValue[] {
  const { role: _role, content, name, ...rest } = message;
  const blocks: JsonValue[] = [];
  if (typeof name === 'string') blocks.push(name);
  if (Array.isArray(content)) blocks.push(...arrayOf(content));
  else if (typeof content === 'string') blocks.push(content);
  if (Object.keys(rest).length > 0) blocks.push(rest);
  return blocks.length === 0 ? [''] : blocks;
}

function blockIds(block: JsonValue, tokenizer: Tokenizer): Uint32Array {
  if (typeof block === 'string') return tokenizer.ids(block);
  if (!isObject(block)) return tokenizer.ids(JSON.stringify(block));
  const text = textOf(block['text']);
  if (text !== undefined) return tokenizer.ids(text);
  if (/^(image_url|input_image|input_audio|file|input_file)$/.test(textOf(block['type']) ?? '')) {
    return opaque(JSON.stringify(withoutMark(block)), imageTokens);
  }
  return tokenizer.ids(JSON.stringify(withoutMark(block)));
}

function withoutMark(block: JsonObject): JsonObject {
  const { prompt_cache_breakpoint: _mark, ...rest } = block;
  return rest;
}

/** A mark without a time of its own takes the request's. */
function markOf(block: JsonValue, requestHold: Hold): Hold | undefined {
  const mark = isObject(block) ? block['prompt_cache_breakpoint'] : undefined;
  if (!isObject(mark)) return undefined;
  return mark['ttl'] === undefined ? requestHold : holdOf(mark);
}

function holdOf(options: JsonValue | undefined): Hold {
  return isObject(options) && options['ttl'] === '12h' ? 'long' : 'default';
}
