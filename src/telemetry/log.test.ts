import { expect, it } from 'vitest';
import { Signals } from '../kernel/signals.ts';
import { SimulatedClock } from '../kernel/simulated-clock.ts';
import { logSignals, type LogLevel } from './log.ts';

function logged(
  emit: (signals: Signals) => void,
  options: { level?: LogLevel; format?: 'text' | 'json'; secrets?: readonly string[] } = {},
): readonly string[] {
  const lines: string[] = [];
  const signals = new Signals();
  const end = logSignals({
    signals,
    clock: new SimulatedClock(0),
    level: 'info',
    format: 'text',
    write: (line) => lines.push(line),
    ...options,
  });
  emit(signals);
  end();
  signals.emit('notice', { text: 'after the end' });
  return lines;
}

const row = { id: '1', outcome: 'ok', path: '/v1/x', agent: 'a b\n', body: 'a prompt' };

it('writes lines for people', () => {
  const error = new Error('disk is full', { cause: new Error('ENOSPC') });
  expect(
    logged((signals) => {
      signals.emit('part-failed', { part: 'l3', operation: 'set', error });
      signals.emit('part-healed', { part: 'l3' });
    }),
  ).toEqual([
    '1970-01-01T00:00:00.000Z warn  part-failed part=l3 operation=set error="Error: disk is full <- Error: ENOSPC"\n',
    '1970-01-01T00:00:00.000Z info  part-healed part=l3\n',
  ]);
});

it('writes JSON lines for machines', () => {
  const [line = ''] = logged((signals) => signals.emit('notice', { text: 'hello' }), {
    format: 'json',
  });
  expect(JSON.parse(line)).toEqual({
    time: '1970-01-01T00:00:00.000Z',
    level: 'info',
    event: 'notice',
    text: 'hello',
  });
});

it('has a line for each call at debug, for those that failed at warn, and none when silent', () => {
  const emit = (signals: Signals): void => {
    signals.emit('call-ended', { row });
    signals.emit('call-ended', { row: { ...row, outcome: 'upstream-failure' } });
    signals.emit('call-ended', { row: { ...row, outcome: 'failed' } });
  };
  expect(logged(emit, { level: 'debug' })).toHaveLength(3);
  expect(logged(emit, { level: 'warn' })).toHaveLength(2);
  expect(logged(emit, { level: 'error' })).toHaveLength(1);
  expect(logged(emit, { level: 'silent' })).toEqual([]);
});

it('shows no body, and no value passes for a field or a line', () => {
  const [line = ''] = logged((signals) => signals.emit('call-ended', { row }), { level: 'debug' });
  expect(line).toContain('agent="a b\\n" provider'.slice(0, 12));
  expect(line).not.toContain('a prompt');
  expect(line.trimEnd()).not.toContain('\n');
});

it('blots out secrets, known ones and what looks like one', () => {
  const error = new Error('refused Bearer abcdef for sk-proj-12345678 and my-own-secret');
  for (const format of ['text', 'json'] as const) {
    const lines = logged(
      (signals) => signals.emit('part-failed', { part: 'x', operation: 'y', error }),
      { format, secrets: ['my-own-secret'] },
    );
    expect(lines.join('')).not.toMatch(/abcdef|12345678|my-own-secret/);
    expect(lines.join('')).toContain('(hidden)');
  }
});
