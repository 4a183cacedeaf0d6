import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import type { Next, Stage } from './stage.ts';

/** Lets a call pass, or refuses it by throwing an EconomizerError. Gates that know at once return nothing, and cost the call no turn. */
export type Gate = (call: Call) => void | Promise<void>;

/** Asks each gate in order, with the call's facts known; the first that refuses ends the call. */
export function createAdmit({ gates }: { readonly gates: readonly Gate[] }): Stage {
  return (call, next) => {
    for (let index = 0; index < gates.length; index++) {
      const pending = gates[index]!(call);
      if (pending !== undefined) return passRest({ call, next, pending }, gates.slice(index + 1));
    }
    return next(call);
  };
}

interface Waiting {
  readonly call: Call;
  readonly next: Next;
  readonly pending: Promise<void>;
}

async function passRest({ call, next, pending }: Waiting, gates: readonly Gate[]): Promise<Reply> {
  await pending;
  for (const gate of gates) await gate(call);
  return next(call);
}
