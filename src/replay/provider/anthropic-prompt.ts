import { arrayOf, isObject, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { joined, opaque, type Breakpoint, type Hold, type Prompt } from './prompt.ts';
import type { Tokenizer } from './tokenizer.ts';

const maxBreakpoints = 4;
/** A held prefix is looked for at a breakpoint and at up to this many blocks counted back from it. */
const lookBack = 20;
/** About what an image of a megapixel costs. */
const imageTokens = 1_600;

/** The prompt of a messages request: tools, system, messages. `cache_control` marks are places, not content. */
export function anthropicPrompt(body: JsonObject, tokenizer: Tokenizer): Prompt {
  const parts: Uint32Array[] = [];
  const breakpoints: Breakpoint[] = [];
  let unmarkable: string | undefined;
  const add = (block: JsonValue, role: string | undefined): void => {
    const ids = blockIds(block, tokenizer);
    parts.push(role === undefined ? ids : joined(tokenizer.ids(`\n\n${role}: `), ids));
    const hold = isObject(block) ? holdOf(block['cache_control']) : undefined;
    if (hold !== undefined) breakpoints.push({ part: parts.length - 1, hold });
    if (hold !== undefined) unmarkable ??= unmarkableFault(block);
    // A result's own blocks are part of it; a mark inside it asks for the whole, as near as this goes.
    const inner = isObject(block) && block['type'] === 'tool_result' ? block['content'] : undefined;
    for (const each of arrayOf(inner)) {
      const nested = isObject(each) ? holdOf(each['cache_control']) : undefined;
      if (nested !== undefined) breakpoints.push({ part: parts.length - 1, hold: nested });
    }
  };
  for (const tool of arrayOf(body['tools'])) add(tool, undefined);
  for (const block of blocksOf(body['system'])) add(block, undefined);
  let speaker: string | undefined;
  for (const message of arrayOf(body['messages'])) {
    if (!isObject(message)) continue;
    const role = textOf(message['role']) ?? 'user';
    for (const block of blocksOf(message['content'])) {
      // Neighbours of one role are one turn to the model, so a turn that grows keeps its prefix.
      add(block, role === speaker ? undefined : role);
      speaker = role;
    }
  }
  const automatic = holdOf(body['cache_control']);
  if (automatic !== undefined && breakpoints.at(-1)?.part !== parts.length - 1) {
    breakpoints.push({ part: parts.length - 1, hold: automatic });
  }
  return {
    parts,
    breakpoints,
    lookups: lookupsOf(breakpoints),
    fault: unmarkable ?? faultOf(breakpoints),
    ttlMs: undefined,
  };
}

function lookupsOf(breakpoints: readonly Breakpoint[]): number[] {
  const places = new Set<number>();
  for (const { part } of breakpoints) {
    for (let at = Math.max(0, part - lookBack + 1); at <= part; at++) places.add(at);
  }
  return [...places].sort((a, b) => a - b);
}

/** What the provider refuses to take a mark on. */
function unmarkableFault(block: JsonValue): string | undefined {
  if (!isObject(block)) return undefined;
  const { type, text } = block;
  if (type === 'thinking' || type === 'redacted_thinking') {
    return `cache_control cannot be set for ${type} blocks`;
  }
  if (type === 'text' && text === '') return 'cache_control cannot be set for empty text blocks';
  if (block['defer_loading'] === true) {
    return 'Tools with defer_loading=true cannot have cache_control set';
  }
  return undefined;
}

function faultOf(breakpoints: readonly Breakpoint[]): string | undefined {
  if (breakpoints.length > maxBreakpoints) {
    return `A maximum of ${maxBreakpoints} blocks with cache_control may be provided. Found ${breakpoints.length}.`;
  }
  const firstDefault = breakpoints.findIndex(({ hold }) => hold === 'default');
  const lastLong = breakpoints.findLastIndex(({ hold }) => hold === 'long');
  if (firstDefault >= 0 && firstDefault < lastLong) {
    return "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.";
  }
  return undefined;
}

function holdOf(mark: JsonValue | undefined): Hold | undefined {
  if (!isObject(mark)) return undefined;
  return mark['ttl'] === '1h' ? 'long' : 'default';
}

function blocksOf(content: JsonValue | undefined): readonly JsonValue[] {
  return typeof content === 'string' ? [content] : arrayOf(content);
}

/** The content of a block: marks are places, not content. */
function withoutMarks(block: JsonObject): JsonObject {
  const { cache_control: _mark, ...rest } = block;
  if (rest['type'] !== 'tool_result' || !Array.isArray(rest['content'])) return rest;
  const inner = arrayOf(rest['content']);
  return { ...rest, content: inner.map((each) => (isObject(each) ? withoutMarks(each) : each)) };
}

function blockIds(block: JsonValue, tokenizer: Tokenizer): Uint32Array {
  if (typeof block === 'string') return tokenizer.ids(block);
  if (!isObject(block)) return tokenizer.ids(JSON.stringify(block));
  const content = withoutMarks(block);
  if (content['type'] === 'text') return tokenizer.ids(textOf(content['text']) ?? '');
  if (content['type'] === 'image' || content['type'] === 'document') {
    return opaque(JSON.stringify(content), imageTokens);
  }
  return tokenizer.ids(JSON.stringify(content));
}
