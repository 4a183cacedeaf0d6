import { buildConfig, deepFreeze } from './build.ts';
import type { Config } from './config.ts';
import { defaults } from './defaults.ts';
import type { Environment } from './environment.ts';
import { expand } from './expand.ts';
import { findingsOf, isWithin, shownValue, valueAt } from './explain.ts';
import { faultText, pathText, type Fault, type Finding } from './fault.ts';
import { withFlags, type ListenFlags } from './flags.ts';
import { withEnvironment } from './from-environment.ts';
import { configSchema } from './schema.ts';
import { semanticChecks, semanticWarnings } from './semantics.ts';
import { Source } from './source.ts';

export interface ReadOptions {
  /** The text of the file, YAML or JSON; undefined where there is no file. */
  readonly text: string | undefined;
  /** What to call the file in faults. */
  readonly fileName?: string;
  readonly environment: Environment;
  /** What the command line says of `listen`; it goes before the file. */
  readonly flags?: ListenFlags;
  /** What relative paths start from; default: the working directory. */
  readonly directory?: string;
  /** False for a command that keeps nothing, so that it need not be able to. Default: true. */
  readonly keeps?: boolean;
}

/** Either a configuration or everything that is wrong with it. */
export type Reading =
  | { readonly config: Config; readonly faults: readonly [] }
  | { readonly config: undefined; readonly faults: readonly [Fault, ...Fault[]] };

/** Reads a configuration and finds every fault at once. Never throws, whatever the text. */
export function readConfig(options: ReadOptions): Reading {
  const directory = options.directory ?? process.cwd();
  const source = new Source(options.text ?? '');
  const fileName = options.text === undefined ? undefined : (options.fileName ?? 'configuration');
  const [textFault, ...moreTextFaults] = source.faults.map(({ place, problem }): Fault => ({
    path: '',
    source: fileName,
    ...place,
    value: undefined,
    problem,
  }));
  if (textFault !== undefined) {
    return { config: undefined, faults: [textFault, ...moreTextFaults] };
  }

  const expanded = expand(source.value, options.environment);
  const { value, origins } = withFlags(
    withEnvironment(expanded.value, options.environment, ownPort(expanded.value, options.flags)),
    options.flags,
  );
  const { findings, config } = check(value, expanded.findings, { ...options, directory });
  const faultOf = (finding: Finding): Fault => {
    const path = pathText(finding.path);
    const origin = origins.get(path);
    const template = expanded.templates.get(path);
    const shown = shownValue(template ?? valueAt(value, finding.path), finding.path);
    const inFile = origin === undefined && fileName !== undefined;
    const place = inFile
      ? source.locate(finding.path, { name: finding.aboutName === true })
      : undefined;
    return {
      path,
      source: origin ?? fileName,
      line: place?.line,
      column: place?.column,
      value: finding.aboutName === true ? undefined : shown,
      problem: finding.problem,
    };
  };
  const faults = findings.map(faultOf);
  const repeats = source.repeats.map(({ path, place }): Fault => ({
    path: pathText(path),
    source: fileName,
    line: place.line,
    column: place.column,
    value: undefined,
    problem: 'is given twice; keep one',
  }));
  const [first, ...rest] = [...repeats, ...faults];
  if (first !== undefined) return { config: undefined, faults: [first, ...rest] };
  const warnings = semanticWarnings
    .flatMap((check) => check.findings(config!))
    .map((finding) => faultText(faultOf(finding)));
  return { config: deepFreeze({ ...config!, warnings }), faults: [] };
}

/** Where the gateway will listen, as far as can be told before the settings are checked. */
function ownPort(value: unknown, flags: ListenFlags = {}): number {
  const port = flags.port ?? valueAt(value, ['listen', 'port']) ?? defaults.listen.port;
  return Number(port);
}

function check(
  value: unknown,
  early: readonly Finding[],
  { directory, keeps = true }: { readonly directory: string; readonly keeps?: boolean },
): { readonly findings: readonly Finding[]; readonly config: Config | undefined } {
  const parsed = configSchema.safeParse(value);
  const late = parsed.success ? [] : findingsOf(parsed.error.issues, value);
  // A text that lost its variable is faulty for that reason alone.
  const findings = [
    ...early,
    ...late.filter((each) => !early.some((one) => isWithin(each, one.path))),
  ];
  if (findings.some((each) => each.path.length === 0)) return { findings, config: undefined };
  const sound = configSchema.safeParse(withoutFaultySections(value, findings));
  if (!sound.success) return { findings, config: undefined };
  const config = buildConfig(sound.data, directory);
  for (const { sections, findings: find, isAboutKeeping = false } of semanticChecks) {
    if (isAboutKeeping && !keeps) continue;
    const clouded = findings.some((each) => sections.some((name) => isWithin(each, [name])));
    if (!clouded) findings.push(...find(config));
  }
  return { findings, config };
}

/** The rest of the configuration, so that what is wrong in one section does not hide what is wrong in another. */
function withoutFaultySections(value: unknown, findings: readonly Finding[]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const faulty = new Set(findings.map((each) => String(each.path[0])));
  return Object.fromEntries(Object.entries(value).filter(([name]) => !faulty.has(name)));
}
