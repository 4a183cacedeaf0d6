import type { Clock } from '../kernel/clock.ts';
import { withoutSecrets } from '../kernel/secrets.ts';
import type { SignalMap, Signals } from '../kernel/signals.ts';

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof levels)[number];
type LineLevel = Exclude<LogLevel, 'silent'>;

export interface LogOptions {
  readonly signals: Signals;
  readonly clock: Clock;
  /** The least that is written. */
  readonly level: LogLevel;
  /** Lines for people, or one JSON object a line. */
  readonly format: 'text' | 'json';
  /** Gets whole lines with their line feed. */
  readonly write: (line: string) => void;
  /** Known secrets, blotted out wherever they might turn up. */
  readonly secrets?: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** What of a ledger row is worth a line. Bodies are never logged, and neither are prompts. */
const rowFields = [
  'id',
  'tenant',
  'agent',
  'provider',
  'path',
  'modelAsked',
  'outcome',
  'errorCode',
  'status',
  'source',
  'costNanos',
  'savedNanos',
  'totalMs',
] as const;

/** Writes what the house signals as log lines, from `level` on. The returned function ends it. */
export function logSignals(options: LogOptions): () => void {
  const threshold = levels.indexOf(options.level);
  const line = (level: LineLevel, event: string, fields: Fields): void => {
    if (levels.indexOf(level) < threshold) return;
    const text = options.format === 'json' ? jsonLine : textLine;
    const time = new Date(options.clock.now()).toISOString();
    options.write(`${withoutSecrets(text(time, level, event, fields), options.secrets)}\n`);
  };
  const { signals } = options;
  const endings = [
    signals.on('part-failed', ({ part, operation, error }) =>
      line('warn', 'part-failed', { part, operation, error: errorText(error) }),
    ),
    signals.on('part-healed', ({ part }) => line('info', 'part-healed', { part })),
    signals.on('notice', ({ text }) => line('info', 'notice', { text })),
    signals.on('budget-alert', ({ budget, value, threshold, text }) =>
      line('warn', 'budget-alert', {
        budget,
        ...(value === undefined ? {} : { value }),
        threshold,
        text,
      }),
    ),
    signals.on('pressure-changed', ({ budget, from, to, text }) =>
      line('warn', 'pressure-changed', { budget, from, to, text }),
    ),
    signals.on('runaway', ({ tenant, agent, session, text }) =>
      line('warn', 'runaway', { tenant, agent: agent ?? '', session: session ?? '', text }),
    ),
    signals.on('call-ended', ({ row }) => {
      const level = levelOf(row);
      // Asked before the line is made: at most levels this is the end of it, on the path of every call.
      if (levels.indexOf(level) >= threshold) line(level, 'call-ended', shownFields(row));
    }),
  ];
  return () => {
    for (const end of endings) end();
  };
}

/** Calls that went well, or were the caller's own affair, are for those who ask; the others are for the operator. */
function levelOf(row: SignalMap['call-ended']['row']): LineLevel {
  const outcome = 'outcome' in row ? row.outcome : undefined;
  if (outcome === 'failed') return 'error';
  return outcome === 'upstream-failure' || outcome === 'provider-error' ? 'warn' : 'debug';
}

function shownFields(row: object): Fields {
  const all = row as Fields;
  return Object.fromEntries(
    rowFields.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])),
  );
}

function jsonLine(time: string, level: LineLevel, event: string, fields: Fields): string {
  return JSON.stringify({ time, level, event, ...fields });
}

function textLine(time: string, level: LineLevel, event: string, fields: Fields): string {
  const parts = Object.entries(fields).map(([name, value]) => `${name}=${fieldText(value)}`);
  return [time, level.padEnd(5), event, ...parts].join(' ');
}

/** Bare where it is one plain word, else quoted, so that no value can pass for another field or line. */
function fieldText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w.:/-]+$/.test(text) ? text : JSON.stringify(text);
}

/** An error with what lies underneath it: to an operator the cause is mostly the news. */
function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let each = error; each !== undefined && parts.length < 4;) {
    parts.push(each instanceof Error ? `${each.name}: ${each.message}` : JSON.stringify(each));
    each = each instanceof Error ? each.cause : undefined;
  }
  return parts.join(' <- ');
}
