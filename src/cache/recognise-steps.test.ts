import { expect, test } from 'vitest';
import { openAiChat } from '../exchange/wire/openai-chat.ts';
import { extendSteps, noSteps, type ToolSteps } from '../exchange/tool-steps.ts';
import type { JsonValue } from '../kernel/json.ts';
import { Recogniser } from './recognise.ts';

const context = {
  secret: 'secret',
  scope: 'acme',
  provider: 'openai',
  dialect: 'openai-chat',
  path: '/chat/completions',
  variant: '',
};

function turn(index: number, result: string): readonly JsonValue[] {
  const call = {
    id: `c${index}`,
    type: 'function',
    function: { name: 'look', arguments: `{"n":${index % 3}}` },
  };
  return [
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: `c${index}`, content: result },
  ];
}

function body(messages: readonly JsonValue[]): Buffer {
  return Buffer.from(JSON.stringify({ model: 'gpt-4o', messages, tools: [] }));
}

function recogniser() {
  let read = 0;
  const made = new Recogniser({
    depth: 64,
    readSteps(before, dialect, items) {
      read += items.length;
      return extendSteps(before, dialect, items);
    },
  });
  return {
    steps: (messages: readonly JsonValue[]): ToolSteps =>
      made.recognise(context, openAiChat, body(messages)).steps,
    takeRead: () => {
      const count = read;
      read = 0;
      return count;
    },
  };
}

test('of each turn only what it adds is read, and what comes out is what the whole history tells', () => {
  const { steps, takeRead } = recogniser();
  const messages: JsonValue[] = [
    { role: 'system', content: 'x'.repeat(20_000) },
    { role: 'user', content: 'go' },
  ];
  for (let index = 0; index < 60; index++) {
    messages.push(...turn(index, index % 2 === 0 ? 'same' : `new ${index}`));
    const found = steps(messages);
    expect(found).toEqual(extendSteps(noSteps, 'openai-chat', messages));
    expect(takeRead()).toBe(index === 0 ? messages.length : 2);
  }
});

test('conversations that part have steps of their own, and one that is asked again has its own', () => {
  const { steps } = recogniser();
  const start: JsonValue[] = [{ role: 'user', content: 'x'.repeat(20_000) }, ...turn(0, 'a')];
  steps(start);
  const one = [...start, ...turn(1, 'left')];
  const other = [...start, ...turn(1, 'right')];
  for (const messages of [one, other, one, start]) {
    expect(steps(messages)).toEqual(extendSteps(noSteps, 'openai-chat', messages));
  }
});

test('small requests tell their steps too', () => {
  const { steps } = recogniser();
  const messages = turn(0, 'a');
  for (let again = 0; again < 3; again++) {
    expect(steps(messages)).toEqual(extendSteps(noSteps, 'openai-chat', messages));
  }
});

test('nobody looks unless told to', () => {
  const quiet = new Recogniser({ depth: 64 });
  expect(quiet.recognise(context, openAiChat, body(turn(0, 'a'))).steps).toBe(noSteps);
});
