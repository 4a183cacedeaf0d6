import { EconomizerError } from '../kernel/errors.ts';
import type { Line } from '../replay/lines.ts';

/** One request to a cache. */
export interface CacheRequest {
  readonly key: string;
  readonly bytes: number | undefined;
  readonly dollars: number | undefined;
}

/** @throws EconomizerError `ECO_FILE` if the line is not `key [bytes [dollars]]`, or has no bytes where they are needed. */
export function readRequest(line: Line, needsBytes: boolean): CacheRequest {
  const [key, bytes, dollars, ...more] = line.text.trim().split(/\s+/);
  if (more.length > 0) throw fault(line, 'a line is "key [bytes [dollars]]", and this has more');
  if (needsBytes && bytes === undefined) {
    throw fault(line, 'with --bytes each line needs a size after the key');
  }
  return {
    key: key!,
    bytes: numberOf(line, 'bytes', bytes),
    dollars: numberOf(line, 'dollars', dollars),
  };
}

function numberOf(line: Line, what: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  const isWhole = what !== 'bytes' || Number.isSafeInteger(value);
  if (value >= 0 && value < Infinity && isWhole) return value;
  const wanted = what === 'bytes' ? 'a whole number' : 'a number';
  throw fault(line, `the ${what} must be ${wanted} of 0 or more, not "${text.slice(0, 40)}"`);
}

function fault(line: Line, what: string): EconomizerError {
  return new EconomizerError('ECO_FILE', `${line.file}, line ${line.number}: ${what}.`);
}
