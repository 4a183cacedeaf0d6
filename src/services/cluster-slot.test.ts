import { expect, it } from 'vitest';
import { slotOf } from './cluster-slot.ts';

it.each([
  ['123456789', 0x31c3], // the check value of the Redis Cluster specification
  ['foo', 12_182],
  ['{user1000}.following', slotOf('user1000')],
  ['foo{}{bar}', slotOf(Buffer.from('foo{}{bar}'))],
  ['foo{{bar}}zap', slotOf('{bar')],
  ['foo{bar}{zap}', slotOf('bar')],
])('the slot of %s is %i', (key, slot) => expect(slotOf(key)).toBe(slot));
