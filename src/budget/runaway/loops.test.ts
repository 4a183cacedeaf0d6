import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ToolSteps } from '../../exchange/tool-steps.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import type { Standpoint } from '../budget.ts';
import type { Decision } from '../ladder/decisions.ts';
import { loopIn, loopText } from './loops.ts';
import { LoopWatch } from './watch.ts';

/** Steps of letters: `A` is a call with its result; `a` the same call with a result that was never seen before. */
let fresh = 1000;
function steps(text: string): ToolSteps {
  return text.split('').map((letter) => {
    const tool = letter.toUpperCase();
    const isNew = letter !== tool;
    return { tool, call: tool.codePointAt(0)!, result: isNew ? fresh++ : 0, id: undefined };
  });
}

describe('loops', () => {
  test.each([
    ['AAAAA', 5, ['A']],
    ['XYAAAAAAA', 7, ['A']],
    ['ABABABABAB', 5, ['A', 'B']],
    ['XABCABCABCABCABC', 5, ['A', 'B', 'C']],
    ['ABCDABCDABCDABCDABCD', 5, ['A', 'B', 'C', 'D']],
    ['AXAYAZAUAVAWAQARASATA', 11, ['A']],
  ])('%s repeats %d times', (text, times, tools) => {
    expect(loopIn(steps(text), 5)).toEqual({ times, tools });
  });

  test.each([
    ['four times is not five', 'AAAA'],
    ['it went on', 'AAAAAB'],
    ['every result is new: polling that makes progress', 'aaaaaaaaaaaaaaaaaaaa'],
    ['the result changed at last', 'AAAAAAa'],
    ['rounds of five are taken for work', 'ABCDEABCDEABCDEABCDEABCDE'],
    ['a command that is run again between edits', 'ATBTCTDTETFTGTHT'],
    ['nothing', ''],
  ])('no loop: %s', (_why, text) => {
    expect(loopIn(steps(text), 5)).toBeUndefined();
  });

  test('a call whose result has not come yet does not hide the loop before it', () => {
    const open = { tool: 'A', call: 65, result: undefined, id: '9' };
    expect(loopIn([...steps('AAAAA'), open], 5)?.times).toBe(5);
  });

  test('whatever came before, a round repeated k times is found, and one repeated less often is not', () => {
    const letters = fc.string({
      unit: fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F'),
      maxLength: 10,
    });
    fc.assert(
      fc.property(
        letters,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 2, max: 6 }),
        (before, length, k) => {
          const round = 'WXYZ'.slice(0, length);
          expect(loopIn(steps(before + round.repeat(k)), k)?.times).toBe(k);
          expect(loopIn(steps(`${before}${round.repeat(k - 1)}`), k)).toBeUndefined();
        },
      ),
    );
  });

  test('a conversation without a loop is looked at in about a microsecond', () => {
    const work = steps('ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUV');
    for (let turn = 0; turn < 10_000; turn++) loopIn(work, 5);
    const began = performance.now();
    for (let turn = 0; turn < 10_000; turn++) loopIn(work, 5);
    // Ten times what it takes, since tests run on busy machines.
    expect((performance.now() - began) / 10).toBeLessThan(10);
  });

  test('says what is repeated', () => {
    expect(loopText({ times: 5, tools: ['search'] })).toBe(
      'This conversation has made the tool call "search" with the same arguments and the same result 5 times',
    );
  });
});

describe('the watch', () => {
  const caller: Standpoint = {
    tenant: 'acme',
    team: undefined,
    key: undefined,
    agent: 'crawler',
    session: 's1',
    tags: [],
  };

  function watch(refuseAfter?: number) {
    const clock = new SimulatedClock();
    const signals = new Signals();
    const told: string[] = [];
    const decisions: Decision[] = [];
    signals.on('runaway', ({ text }) => told.push(text));
    const journal = { record: (decision: Decision) => void decisions.push(decision) };
    const made = new LoopWatch({ policy: { warnAfter: 5, refuseAfter }, journal, clock, signals });
    return { made, clock, told, decisions };
  }

  test('warns each call of a loop, and tells of the loop once', () => {
    const { made, told, decisions } = watch();
    expect(made.judge(caller, steps('AAAA'))).toBeUndefined();
    expect(made.judge(caller, steps('AAAAA'))).toBe('loop;times=5');
    expect(made.judge(caller, steps('AAAAAA'))).toBe('loop;times=6');
    expect(told).toHaveLength(1);
    expect(decisions).toMatchObject([{ kind: 'loop', tools: ['A'], times: 5, refused: false }]);
  });

  test('refuses where it is set to, and tells of that too', () => {
    const { made, told } = watch(7);
    made.judge(caller, steps('AAAAAA'));
    let refused: EconomizerError | undefined;
    try {
      made.judge(caller, steps('AAAAAAA'));
    } catch (error) {
      refused = EconomizerError.from(error);
    }
    expect(refused).toMatchObject({ code: 'ECO_RUNAWAY', kind: 'quota' });
    expect(refused!.message).toContain('"A" with the same arguments and the same result 7 times');
    expect(told).toHaveLength(2);
  });
});
