import { crc32 } from 'node:zlib';
import { comparePrompts } from '../compare.ts';
import type { CareRequest } from '../care-plan.ts';
import type { Habits } from '../habits.ts';
import { regionOf } from '../layout.ts';
import type { CareSwitches } from '../terms.ts';
import type { Continued } from '../thread-table.ts';
import type { Thread } from '../thread.ts';
import { clientCuts } from './client-cuts.ts';
import { clientMarks, type ClientMarks } from './client-marks.ts';
import { edited, type Form } from './normalise.ts';
import { cutVolatile, learnVolatile } from './repair.ts';
import { stableHistory } from './stable-history.ts';
import type { StableTools } from './stable-tools.ts';

/** A request with as much in its stable place as was put there. */
export interface Stabilised {
  /** What is to leave, but for marks and what comes behind the end. */
  readonly left: Form;
  /** The same with the client's marks known for what they are, for comparing. */
  readonly bare: Form;
  readonly client: ClientMarks;
  /** The client itself wrote something in another way than before. */
  readonly order: boolean;
  /** Lines to be put behind the end. */
  readonly lines: readonly string[];
}

interface Context {
  readonly request: CareRequest;
  readonly owner: string;
  readonly switches: CareSwitches;
  readonly habits: Habits;
  readonly markName: string;
}

/** Brings the tools into their order. Comes first: what a request goes on from is found by what it looks like then. */
export function withStableTools(came: Form, context: Context, tools: StableTools): Stabilised {
  const { habits, owner, markName, switches, request } = context;
  const region = regionOf(came.layout, 'tools');
  if (!switches.order || region?.member.items === undefined) {
    return unmarked(came, context, { order: false, lines: [] });
  }
  const { start, end } = region.member;
  const client = came.body.subarray(start, end);
  const ordered = tools.order(owner, came.body, region.member, region.items, markName);
  const checksum = crc32(client, end - start);
  // A client that always sends the same order keeps its prefix by itself; only one that changes it is helped.
  const order = habits.clientTools !== undefined && habits.clientTools !== checksum;
  habits.clientTools = checksum;
  const edits = ordered.equals(client) ? [] : [{ start, end, bytes: ordered }];
  return unmarked(edited(request.dialect, came, edits), context, { order, lines: [] });
}

/** Brings earlier messages back into the text in which they left before, and takes volatile lines out of the system prompt. */
export function withStableTexts(
  stable: Stabilised,
  context: Context,
  continued: Continued | undefined,
  peer: Thread | undefined,
): Stabilised {
  const { switches, habits, markName, request } = context;
  let { left, lines, order } = stable;
  if (switches.repair) {
    const isBroken = continued?.comparison.divergence !== undefined;
    const other = isBroken ? continued.thread : peer;
    if (other !== undefined) learnVolatile(other, stable.bare, habits.volatileShapes, isBroken);
    // A conversation whose lines have stayed as they were keeps them: taking them out would break its prefix.
    const isWhole = continued !== undefined && !isBroken;
    const cut = isWhole ? undefined : cutVolatile(left, habits.volatileShapes);
    lines = cut?.lines ?? [];
    left = edited(request.dialect, left, cut?.edits ?? []);
  }
  const bare = left === stable.left ? stable.bare : unmarked(left, context, { order, lines }).bare;
  if (switches.order && continued !== undefined && differsInHistory(bare, stable, continued)) {
    const edits = stableHistory(continued.thread, left, markName);
    order ||= edits.length > 0;
    left = edited(request.dialect, left, edits);
  }
  return left === stable.left ? stable : unmarked(left, context, { order, lines });
}

function differsInHistory(bare: Form, stable: Stabilised, { thread, comparison }: Continued) {
  const now = bare === stable.bare ? comparison : comparePrompts(thread, bare);
  return now.divergence !== undefined && now.divergence.region !== 'tools';
}

function unmarked(
  left: Form,
  { markName }: Context,
  found: Pick<Stabilised, 'order' | 'lines'>,
): Stabilised {
  const client = clientMarks(left, markName);
  const bare = { ...left, cuts: clientCuts(left, client.marks, markName) };
  return { left, bare, client, ...found };
}
