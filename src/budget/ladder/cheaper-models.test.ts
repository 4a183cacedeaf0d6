import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cheaperOf, withModel } from './cheaper-models.ts';

const map = [
  { from: 'gpt-4o', to: 'gpt-4o-mini', provider: undefined },
  { from: 'claude-*-opus', to: 'claude-haiku', provider: 'anthropic' },
];

test.each([
  ['openai', 'gpt-4o', 'gpt-4o-mini'],
  ['openai', 'gpt-4o-2024', undefined],
  ['openai', 'gpt-4o-mini', undefined],
  ['anthropic', 'claude-4-opus', 'claude-haiku'],
  ['other', 'claude-4-opus', undefined],
  ['anthropic', 'claude-haiku', undefined],
])('%s asks in place of %s: %s', (provider, model, expected) => {
  expect(cheaperOf(map)(provider, model)).toBe(expected);
});

test('only the model is changed, byte for byte', () => {
  const body = Buffer.from(
    '{ "messages":[{"role":"user","content":"\\"model\\": \\"x\\" é"}], "model" : "gpt-4o" , "model2":1}',
  );
  expect(withModel(body, 'gpt-4o-mini')!.toString()).toBe(
    '{ "messages":[{"role":"user","content":"\\"model\\": \\"x\\" é"}], "model" : "gpt-4o-mini" , "model2":1}',
  );
});

test('a body that names no model is left alone', () => {
  expect(withModel(Buffer.from('{"prompt":{"id":"x"}}'), 'y')).toBeUndefined();
  expect(withModel(Buffer.from('{"model":7}'), 'y')).toBeUndefined();
});

test('whatever the body, it is the same but for its model', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (rest, model) => {
      const body = Buffer.from(JSON.stringify({ ...rest, model: 'dear' }));
      const changed: unknown = JSON.parse(withModel(body, model)!.toString());
      expect(changed).toEqual(JSON.parse(JSON.stringify({ ...rest, model })));
    }),
  );
});
