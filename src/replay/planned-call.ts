import { Agenda } from './agenda.ts';
import { answerLength } from './answer-length.ts';
import type { OutputTokens } from './provider/billing-brain.ts';
import type { Tokenizer } from './provider/tokenizer.ts';
import type { RecordedCall } from './recorded.ts';
import type { Session } from './traffic.ts';

/** A recorded call with its place in the replay. */
export interface PlannedCall {
  /** Unique within the replay. */
  readonly id: string;
  readonly session: Session;
  readonly recorded: RecordedCall;
  readonly answer: OutputTokens;
  /** When it is due, milliseconds since the epoch. */
  readonly dueAt: number;
  /** The call that cannot be made before this one is answered. */
  readonly next: PlannedCall | undefined;
}

/** All calls of the sessions; those that wait for no other are on the agenda. */
export function planCalls(
  sessions: readonly Session[],
  options: { readonly tokenizer: Tokenizer; readonly startMs: number },
): { readonly calls: number; readonly agenda: () => Agenda<PlannedCall> } {
  const firsts: PlannedCall[] = [];
  let calls = 0;
  for (const [number, session] of sessions.entries()) {
    let next: PlannedCall | undefined;
    for (let index = session.calls.length - 1; index >= 0; index--) {
      const recorded = session.calls[index]!;
      next = {
        id: `${number + 1}.${index + 1}`,
        session,
        recorded,
        answer: answerLength(recorded, options.tokenizer),
        dueAt: options.startMs + session.startsMs[index]!,
        next,
      };
      calls++;
    }
    if (next !== undefined) firsts.push(next);
  }
  return {
    calls,
    agenda() {
      const agenda = new Agenda<PlannedCall>();
      for (const call of firsts) agenda.add(call.dueAt, call);
      return agenda;
    },
  };
}
