import { expect, it } from 'vitest';
import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import { createAdmit, type Gate } from './admit.ts';

const call = {} as Call;
const reply = {} as Reply;

async function pass(gates: readonly Gate[]): Promise<string> {
  const stage = createAdmit({ gates });
  let isThrough = false;
  const next = (): Promise<Reply> => {
    isThrough = true;
    return Promise.resolve(reply);
  };
  const run = async (): Promise<Reply> => stage(call, next);
  const end = await run().then(
    (given) => (given === reply ? 'answered' : 'changed'),
    (error: unknown) => String(error),
  );
  return `${end}${isThrough ? ', through' : ''}`;
}

it('gates are asked in order, those at once and those that wait, until one refuses', async () => {
  const asked: string[] = [];
  const atOnce =
    (name: string): Gate =>
    () =>
      void asked.push(name);
  const later =
    (name: string): Gate =>
    async () => {
      await Promise.resolve();
      asked.push(name);
    };
  const refuses: Gate = () => {
    throw new Error('no');
  };
  const refusesLater: Gate = () => Promise.reject(new Error('not now'));
  expect(await pass([atOnce('a'), atOnce('b')])).toBe('answered, through');
  expect(await pass([atOnce('c'), later('d'), atOnce('e'), later('f')])).toBe('answered, through');
  expect(asked.splice(0).join('')).toBe('abcdef');
  expect(await pass([atOnce('a'), refuses, atOnce('b')])).toBe('Error: no');
  expect(await pass([later('c'), refuses, atOnce('d')])).toBe('Error: no');
  expect(await pass([later('e'), refusesLater, atOnce('f')])).toBe('Error: not now');
  expect(asked.join('')).toBe('ace');
});
