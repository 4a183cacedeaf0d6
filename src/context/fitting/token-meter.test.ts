import { expect, it } from 'vitest';
import { TokenMeter } from './token-meter.ts';

const words = (text: string): number => text.split(' ').length;

it('counts with the tokenizer once it is there, and guesses before', async () => {
  const meter = new TokenMeter(() => Promise.resolve(words));
  expect(meter.count('one two three four')).toBe(5);
  await meter.ready();
  expect(meter.count('one two three four')).toBe(4);
});

it('learns from usage what a model’s own tokens are to ours', () => {
  const meter = new TokenMeter(() => Promise.resolve(words));
  expect(meter.factorOf('claude-opus-5')).toBe(1);
  meter.learn('claude-opus-5', 1000, 1300);
  expect(meter.factorOf('claude-opus-5')).toBeCloseTo(1.3);
  for (let call = 0; call < 60; call++) meter.learn('claude-opus-5', 1000, 1200);
  expect(meter.factorOf('claude-opus-5')).toBeCloseTo(1.2, 2);
});

it('takes OpenAI’s models at their word, and learns nothing from short requests', () => {
  const meter = new TokenMeter(() => Promise.resolve(words));
  meter.learn('gpt-6.1-sol', 1000, 1300);
  meter.learn('claude-opus-5', 10, 300);
  expect(meter.factorOf('gpt-6.1-sol')).toBe(1);
  expect(meter.factorOf('claude-opus-5')).toBe(1);
});
