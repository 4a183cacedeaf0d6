/** One thing that is wrong with a configuration. */
export interface Fault {
  /** The setting, such as `providers.groq.base_url` or `access.keys[0].id`; empty for the file as a whole. */
  readonly path: string;
  /** The file, or the environment variable that the value came from; undefined where neither gave it. */
  readonly source: string | undefined;
  /** Where in the file, counted from 1. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** What stands there, secrets hidden; undefined where nothing does. */
  readonly value: string | undefined;
  /** What is wrong and what is allowed, as the rest of a sentence that begins with the path. */
  readonly problem: string;
}

export type Path = readonly (string | number)[];

/** A fault before its place and its value are looked up. */
export interface Finding {
  readonly path: Path;
  readonly problem: string;
  /** The place is that of the name, not of its value, and the value is not shown: an unknown setting. */
  readonly aboutName?: boolean;
}

export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** `economizer.yaml:12:5  providers.groq.base_url must be ..., got "ftp://x"` */
export function faultText(fault: Fault): string {
  const place = fault.line === undefined ? '' : `:${fault.line}:${fault.column}`;
  const source = fault.source === undefined ? '' : `${fault.source}${place}  `;
  const got = fault.value === undefined ? '' : `; it is ${fault.value}`;
  const subject = fault.path === '' ? '' : `${fault.path} `;
  return `${source}${subject}${fault.problem}${got}`;
}
