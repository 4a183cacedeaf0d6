import fc from 'fast-check';
import type { JsonObject } from '../../src/kernel/json.ts';

/** A history as an agent lives through it, in no dialect. */
export type Step =
  | { readonly kind: 'user'; readonly text: string }
  | { readonly kind: 'assistant'; readonly text: string; readonly reasoning: boolean }
  | {
      readonly kind: 'tools';
      readonly reasoning: boolean;
      readonly text: string | undefined;
      readonly results: readonly string[];
      /** The user's words beside the results, where the dialect has a place for them. */
      readonly words: string | undefined;
      /** Each output stands right behind its call, where the dialect allows it. */
      readonly interleaved: boolean;
    };

export type FittedDialect = 'openai-chat' | 'openai-responses' | 'anthropic-messages';
export const fittedDialects: readonly FittedDialect[] = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
];

const words = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40 }),
  fc.constantFrom('find the order', 'line "1"\n\tline {2}, [3]', 'größer 漢字 😀', '\\"'),
);
const result = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.integer({ min: 50, max: 600 }).map((length) => 'row 1; '.repeat(length)),
  fc.json().map((text) => `${text} `),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('user' as const), text: words }),
  fc.record({ kind: fc.constant('assistant' as const), text: words, reasoning: fc.boolean() }),
  fc.record({
    kind: fc.constant('tools' as const),
    reasoning: fc.boolean(),
    text: fc.option(words, { nil: undefined }),
    results: fc.array(result, { minLength: 1, maxLength: 4 }),
    words: fc.option(words, { nil: undefined, freq: 6 }),
    interleaved: fc.boolean(),
  }),
);

/** Valid histories: a user first, nobody after whom the provider would not hear him, the agent's turn at the end. */
export const histories: fc.Arbitrary<readonly Step[]> = fc
  .tuple(words, fc.array(step, { minLength: 1, maxLength: 24, size: 'max' }), words)
  .map(([first, steps, last]) => {
    const history: Step[] = [{ kind: 'user', text: first }];
    for (const each of steps) {
      // Two assistant turns in a row are one turn to some providers; recorded histories have none.
      if (each.kind === 'user' || history.at(-1)!.kind !== 'assistant') history.push(each);
    }
    if (history.at(-1)!.kind === 'assistant') history.push({ kind: 'user', text: last });
    return history;
  });

const render: Readonly<Record<FittedDialect, (steps: readonly Step[]) => JsonObject>> = {
  'openai-chat': (steps) => ({
    model: 'gpt-6.1-sol',
    messages: [
      { role: 'system', content: 'You help.' },
      ...steps.flatMap((each, index) => chatMessages(each, `c${index}`)),
    ],
  }),
  'openai-responses': (steps) => ({
    model: 'gpt-6.1-sol',
    instructions: 'You help.',
    input: steps.flatMap((each, index) => responseItems(each, `c${index}`)),
  }),
  'anthropic-messages': (steps) => ({
    model: 'claude-sonnet-5-5',
    system: 'You help.',
    max_tokens: 99,
    messages: steps.flatMap((each, index) => anthropicMessages(each, `c${index}`)),
  }),
};

export function rendered(dialect: FittedDialect, steps: readonly Step[]): JsonObject {
  return render[dialect](steps);
}

function chatMessages(each: Step, id: string): JsonObject[] {
  if (each.kind === 'user') return [{ role: 'user', content: each.text }];
  const reasoning = each.reasoning ? { reasoning_details: [{ data: 'xyz' }] } : {};
  if (each.kind === 'assistant') return [{ role: 'assistant', content: each.text, ...reasoning }];
  const calls = each.results.map((_, index) => ({
    id: `${id}-${index}`,
    type: 'function',
    function: { name: 'look', arguments: '{"at":1}' },
  }));
  return [
    { role: 'assistant', content: each.text ?? null, tool_calls: calls, ...reasoning },
    ...each.results.map((content, index) => ({
      role: 'tool',
      tool_call_id: `${id}-${index}`,
      content: index % 2 === 0 || content === '' ? content : [{ type: 'text', text: content }],
    })),
    ...(each.words === undefined ? [] : [{ role: 'user', content: each.words }]),
  ];
}

function responseItems(each: Step, id: string): JsonObject[] {
  const message = (role: string, text: string): JsonObject => ({
    type: 'message',
    role,
    content: [{ type: role === 'user' ? 'input_text' : 'output_text', text }],
  });
  if (each.kind === 'user') return [message('user', each.text)];
  const reasoning: JsonObject[] = each.reasoning
    ? [{ type: 'reasoning', id: `rs-${id}`, summary: [], encrypted_content: 'xyz' }]
    : [];
  if (each.kind === 'assistant') return [...reasoning, message('assistant', each.text)];
  const calls = each.results.map((_, index) => ({
    type: 'function_call',
    call_id: `${id}-${index}`,
    name: 'look',
    arguments: '{"at":1}',
  }));
  const outputs = each.results.map((output, index) => ({
    type: 'function_call_output',
    call_id: `${id}-${index}`,
    output,
  }));
  const both = each.interleaved
    ? calls.flatMap((call, index) => [call, outputs[index]!])
    : [...calls, ...outputs];
  return [
    ...reasoning,
    ...(each.text === undefined ? [] : [message('assistant', each.text)]),
    ...both,
    ...(each.words === undefined ? [] : [message('user', each.words)]),
  ];
}

function anthropicMessages(each: Step, id: string): JsonObject[] {
  if (each.kind === 'user') return [{ role: 'user', content: each.text }];
  const thinking = each.reasoning
    ? [{ type: 'thinking', thinking: 'hm', signature: `sig-${id}` }]
    : [];
  const text = (value: string | undefined): JsonObject[] =>
    value === undefined ? [] : [{ type: 'text', text: value }];
  if (each.kind === 'assistant') {
    return [{ role: 'assistant', content: [...thinking, ...text(each.text)] }];
  }
  const calls = each.results.map((_, index) => ({
    type: 'tool_use',
    id: `${id}-${index}`,
    name: 'look',
    input: { at: 1 },
  }));
  const results = each.results.map((content, index) => ({
    type: 'tool_result',
    tool_use_id: `${id}-${index}`,
    ...(content !== '' && { content: index % 2 === 0 ? content : text(content) }),
  }));
  return [
    { role: 'assistant', content: [...thinking, ...text(each.text), ...calls] },
    { role: 'user', content: [...results, ...text(each.words)] },
  ];
}
