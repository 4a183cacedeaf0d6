import { createMemoryPurges } from '../../cache/invalidation/memory-purges.ts';
import { PurgeWatch } from '../../cache/invalidation/purge-watch.ts';
import { defaultCachePolicy } from '../../cache/policy.ts';
import { CacheStack } from '../../cache/stack.ts';
import { createMemoryTier } from '../../cache/tiers/memory.ts';
import { ToolCache } from '../../cache/tools/tool-cache.ts';
import { ToolWrites } from '../../cache/tools/touched.ts';
import { FunctionTools } from '../../cache/tools/wrap-function.ts';
import { digestOf } from '../../kernel/digest.ts';
import { seededRandom } from '../../kernel/random.ts';
import { Signals } from '../../kernel/signals.ts';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import type { RecordedToolCall, ToolSession } from './recorded-tools.ts';

export interface ToolReplayOptions {
  /** The others change things. */
  readonly isReading: (tool: string) => boolean;
  /** With whom results are shared: with nobody, each session being a user of its own, or with all sessions. */
  readonly scope: 'user' | 'tenant';
  /** What a call of the others takes away: what the calls of its own session brought, or everything. */
  readonly invalidates: 'own' | 'all';
  readonly ttlMs: number;
  /** What stands between two calls that give no times, in milliseconds. */
  readonly gapMs: number;
}

export interface ToolReplay {
  readonly calls: number;
  /** Calls of tools that change nothing. */
  readonly reading: number;
  /** Calls of those that were made before with the same arguments, by whom results are shared with, however long ago and whatever happened since. */
  readonly repeated: number;
  readonly served: number;
  readonly servedBytes: number;
  /** Of these the record tells how long they took. */
  readonly servedMs: number;
  readonly timed: number;
  /** Served results that differ from what the record has at that place. */
  readonly changed: number;
  readonly byTool: ReadonlyMap<string, { readonly calls: number; readonly served: number }>;
}

/** Calls the recorded tools again, each as a function whose result the record knows, through the cache that `economizer.tool` uses. */
export async function replayTools(
  sessions: readonly ToolSession[],
  options: ToolReplayOptions,
): Promise<ToolReplay> {
  const { isReading, gapMs, scope } = options;
  const met = new Set<string>();
  const { tools, clock } = newTools(options);
  const wrapped = new Map<string, (given: unknown, real: RecordedToolCall) => Promise<string>>();
  const run = {
    calls: 0,
    reading: 0,
    repeated: 0,
    served: 0,
    servedBytes: 0,
    servedMs: 0,
    timed: 0,
    changed: 0,
  };
  const byTool = new Map<string, { calls: number; served: number }>();
  let made = 0;
  const call = async (_given: unknown, real: RecordedToolCall): Promise<string> => {
    made++;
    if (real.failed) throw new Error(real.result);
    return real.result;
  };
  for (const { user, calls } of sessions) {
    for (const recorded of calls) {
      const { name } = recorded;
      const tool = wrapped.get(name) ?? wrap(tools, name, call, options);
      wrapped.set(name, tool);
      clock.advance(recorded.tookMs ?? gapMs);
      const before = made;
      const given = await tools.runAs({ user }, () =>
        outcomeOf(tool(recorded.arguments, recorded)),
      );
      const counts = byTool.get(name) ?? { calls: 0, served: 0 };
      byTool.set(name, counts);
      counts.calls++;
      run.calls++;
      if (isReading(name)) {
        run.reading++;
        const asked = JSON.stringify([scope === 'user' ? user : '', name, recorded.arguments]);
        if (met.has(asked)) run.repeated++;
        met.add(asked);
      }
      if (made > before) continue;
      counts.served++;
      run.served++;
      run.servedBytes += Buffer.byteLength(given);
      if (given !== recorded.result) run.changed++;
      if (recorded.tookMs === undefined) continue;
      run.timed++;
      run.servedMs += recorded.tookMs;
    }
  }
  return { ...run, byTool };
}

function wrap(
  tools: FunctionTools,
  name: string,
  call: (given: unknown, real: RecordedToolCall) => Promise<string>,
  { isReading, scope, invalidates }: ToolReplayOptions,
) {
  const readOnly = isReading(name);
  // Names are whatever was recorded; their digests are names that may be.
  const policy = { name: digestOf(name), scope };
  return tools.wrap(call, {
    ...policy,
    context: true,
    ...(readOnly ? {} : { readOnly, invalidates }),
  });
}

/** What a call gave; an error as its text. */
async function outcomeOf(result: Promise<string>): Promise<string> {
  try {
    return await result;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function newTools({ ttlMs }: ToolReplayOptions) {
  const clock = new SimulatedClock();
  const signals = new Signals();
  const purges = new PurgeWatch({ local: createMemoryPurges(), clock, signals });
  const memory = createMemoryTier({ maxEntries: 100_000, maxBytes: 1e9, clock });
  const cache = new ToolCache({
    stack: new CacheStack({ tiers: [memory], clock, signals, purges }),
    purges,
    policy: { ...defaultCachePolicy, name: 'tool-results', ttlMs },
    secret: { current: 'replay' },
    clock,
    random: seededRandom(1),
    book: () => {},
  });
  const writes = new ToolWrites({ purges, clock, signals });
  return { clock, tools: new FunctionTools({ cache, writes, signals, ready: undefined }) };
}
