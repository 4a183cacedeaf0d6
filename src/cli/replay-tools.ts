import type { Config } from '../config/config.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { linesOf } from '../replay/lines.ts';
import { soundsReading } from '../replay/tools/reading-names.ts';
import { readToolSession, type ToolSession } from '../replay/tools/recorded-tools.ts';
import { replayTools, type ToolReplay } from '../replay/tools/replay-tools.ts';

/** What `economizer replay --tools --json` prints. */
export interface ToolReplayReport {
  readonly sessions: number;
  readonly calls: number;
  /** Calls of the tools that change nothing; only these are ever served. */
  readonly reading: number;
  /** Each session is a user of its own, and only its own writes take its results away. */
  readonly by_user: ScopeReport;
  /** All sessions share; every write takes everything away. */
  readonly shared: ScopeReport;
  /** All sessions share; a write takes away only what its own session's calls brought. */
  readonly shared_own_writes: ScopeReport;
  readonly tools: readonly {
    readonly name: string;
    readonly reading: boolean;
    readonly calls: number;
    readonly served_by_user: number;
    readonly served_shared: number;
  }[];
}

export interface ScopeReport {
  /** Calls of reading tools that were made before with the same arguments; no cache could serve more. */
  readonly repeated: number;
  readonly served: number;
  /** Of the calls of reading tools. */
  readonly hit_rate: number;
  /** Served results that differ from those that were recorded at their place. */
  readonly results_changed: number;
  readonly bytes_saved: number;
  /** Null where the record does not tell how long the tools took. */
  readonly seconds_saved: number | null;
}

/** What stands between calls whose record gives no time, as between the calls of models. */
const gapMs = 2000;

/** Replays the calls of tools in these files. @throws EconomizerError `ECO_FILE`. */
export async function replayToolFiles(
  files: readonly string[],
  options: { readonly reading: readonly string[] | undefined; readonly config: Config },
): Promise<ToolReplayReport> {
  const sessions: ToolSession[] = [];
  for (const file of files) {
    for await (const line of linesOf(file, process.stdin)) sessions.push(readToolSession(line));
  }
  const named = options.reading === undefined ? undefined : new Set(options.reading);
  const isReading = (tool: string): boolean => named?.has(tool) ?? soundsReading(tool);
  const policy = options.config.cache.policies.find(({ name }) => name === 'tool-results');
  const common = { isReading, ttlMs: policy!.ttlMs, gapMs };
  const user = await replayTools(sessions, { ...common, scope: 'user', invalidates: 'own' });
  if (user.calls === 0) {
    throw new EconomizerError(
      'ECO_FILE',
      `There is no call of a tool with its result in ${files.join(', ')}; give conversations with tool messages.`,
    );
  }
  const shared = await replayTools(sessions, { ...common, scope: 'tenant', invalidates: 'all' });
  const ownWrites = await replayTools(sessions, { ...common, scope: 'tenant', invalidates: 'own' });
  return {
    sessions: sessions.length,
    calls: user.calls,
    reading: user.reading,
    by_user: scopeReport(user),
    shared: scopeReport(shared),
    shared_own_writes: scopeReport(ownWrites),
    tools: [...user.byTool].map(([name, { calls, served }]) => ({
      name,
      reading: isReading(name),
      calls,
      served_by_user: served,
      served_shared: shared.byTool.get(name)?.served ?? 0,
    })),
  };
}

function scopeReport({
  repeated,
  served,
  reading,
  changed,
  servedBytes,
  servedMs,
  timed,
}: ToolReplay) {
  return {
    repeated,
    served,
    hit_rate: reading === 0 ? 0 : served / reading,
    results_changed: changed,
    bytes_saved: servedBytes,
    seconds_saved: timed === 0 ? null : servedMs / 1000,
  };
}

/** The same for people. */
export function toolReplayText(report: ToolReplayReport): string {
  const { sessions, calls, reading, tools } = report;
  const line = (who: string, scope: ScopeReport): string => {
    const share = `${(100 * scope.hit_rate).toFixed(1)} %, of ${scope.repeated} that had been made before`;
    const time = scope.seconds_saved === null ? '' : `, ${scope.seconds_saved.toFixed(1)} s saved`;
    const bytes = `${(scope.bytes_saved / 1000).toFixed(1)} kB`;
    return `${who}: ${scope.served} served from the cache (${share}), ${bytes} not fetched again${time}; ${scope.results_changed} would have differed from the record.`;
  };
  const names = (isReading: boolean): string =>
    tools
      .filter((tool) => tool.reading === isReading)
      .map(({ name }) => name)
      .join(', ') || 'none';
  return [
    `${calls} calls of tools in ${sessions} sessions, ${reading} of them of tools that change nothing.`,
    line('Each session by itself', report.by_user),
    line('Shared by all sessions', report.shared),
    line('Shared, where a session changes only what it sees itself', report.shared_own_writes),
    `Taken to change nothing: ${names(true)}.`,
    `Taken to change things: ${names(false)}.`,
    'Name those that change nothing with --reading if that is not so.',
  ].join('\n');
}
