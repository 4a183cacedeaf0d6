import { EconomizerError } from '../kernel/errors.ts';
import type { Line } from './lines.ts';

/** Says what is wrong with a line of a traffic file, and what it should hold. */
export function lineFault(line: Line, sentence: string): EconomizerError {
  return new EconomizerError('ECO_FILE', `${line.file}, line ${line.number}: ${sentence}`);
}
