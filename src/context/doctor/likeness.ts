import { CanonicalForm } from '../../kernel/canonical.ts';
import { isObject, textOf, type JsonValue } from '../../kernel/json.ts';

/** The same value with its members in the same order: a provider that parses and renders it sees no difference. */
export function sameSpelling(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return JSON.stringify(spelledOut(unmarked(one))) === JSON.stringify(spelledOut(unmarked(other)));
}

/** The same value but for the order of members: the same to whoever reads it, another text to a provider that renders it. */
export function sameButForOrder(one: JsonValue, other: JsonValue): boolean {
  const form = (value: JsonValue): string => new CanonicalForm().of(spelledOut(unmarked(value)));
  return form(one) === form(other);
}

const markNames = new Set(['cache_control', 'prompt_cache_breakpoint']);

/** The value without marks, on itself and on the blocks in its content: marks are places, not content. */
function unmarked(value: JsonValue | undefined, depth = 3): JsonValue | undefined {
  if (!isObject(value) || depth === 0) return value;
  const kept = Object.entries(value).filter(([name]) => !markNames.has(name));
  return Object.fromEntries(
    kept.map(([name, each]) => [
      name,
      name === 'content' && Array.isArray(each)
        ? each.map((block: JsonValue) => unmarked(block, depth - 1)!)
        : each,
    ]),
  );
}

/** A message whose content is a text, as the list of one text block that it is short for; clients write now one, now the other. */
function spelledOut(value: JsonValue | undefined): JsonValue | undefined {
  if (!isObject(value) || value['role'] === undefined) return value;
  const { content } = value;
  if (typeof content === 'string') return { ...value, content: [{ type: 'text', text: content }] };
  if (!Array.isArray(content) || content.length !== 1) return value;
  const [block] = content as readonly JsonValue[];
  const isText = isObject(block) && /^(?:input_|output_)?text$/.test(textOf(block['type']) ?? '');
  const isPlain = isText && Object.keys(block).length === 2 && typeof block['text'] === 'string';
  return isPlain ? { ...value, content: [{ type: 'text', text: block['text']! }] } : value;
}
