import { describe, expect, it } from 'vitest';
import { newHabits } from '../habits.ts';
import { claudeTerms } from '../sample-requests.ts';
import { warmBody, warmGain } from './keep-warm.ts';

/** Pauses in windows of the provider's time: so many in the first, the second, ... */
function habitsWith(...windows: number[]) {
  const habits = newHabits();
  for (const [index, count] of windows.entries()) habits.gaps[index] = count;
  return habits;
}

describe('what keeping warm gains', () => {
  // A read costs 0.05 of fresh input, and spares 1.2.
  it('is what comes back times what that spares, less a read for every pause that is still on', () => {
    // Ten pauses outlast the first window; five of them end in the second.
    expect(warmGain(habitsWith(50, 5, 0, 5), claudeTerms, 0, 1)).toBeCloseTo(
      (5 * 1.2 - 10 * 0.05) / 10,
    );
  });

  it('looks further than the next window', () => {
    const habits = habitsWith(50, 0, 0, 10);
    expect(warmGain(habits, claudeTerms, 0, 1)).toBe(0);
    expect(warmGain(habits, claudeTerms, 0, 3)).toBeGreaterThan(0);
  });

  it('is nothing where pauses last for ever, or nothing is known', () => {
    const never = habitsWith(50, 1);
    never.gaps[12] = 40;
    expect(warmGain(never, claudeTerms, 0, 6)).toBe(0);
    expect(warmGain(habitsWith(3, 2), claudeTerms, 0, 6)).toBe(0);
    expect(warmGain(habitsWith(100), claudeTerms, 0, 6)).toBe(0);
  });
});

describe('the request that reads a prefix again', () => {
  const warm = (body: object): unknown => {
    const made = warmBody(Buffer.from(JSON.stringify(body)));
    return made && JSON.parse(made.toString('utf8'));
  };

  it('writes the least that is allowed, plain, and changes nothing else', () => {
    const body = { model: 'm', max_tokens: 900, stream: true, messages: [{ role: 'user' }] };
    expect(warm(body)).toEqual({ ...body, max_tokens: 1, stream: false });
    expect(warm({ messages: [] })).toEqual({ messages: [], max_completion_tokens: 1 });
    expect(warm({ input: 'x' })).toEqual({ input: 'x', max_output_tokens: 16 });
  });

  it('is not made where it would be refused', () => {
    expect(warm({ thinking: { type: 'enabled', budget_tokens: 1024 }, messages: [] })).toBe(
      undefined,
    );
    expect(warm({ n: 4, messages: [] })).toBe(undefined);
  });
});
