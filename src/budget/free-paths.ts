import type { Call } from '../exchange/call.ts';

/** What only looks or removes; no provider bills it. */
const freeMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE']);

/** Keeping files, checking texts, counting tokens and calling jobs off costs nothing at OpenAI and Anthropic, nor at who copies their paths. */
const freePath =
  /^(?:\/v1)?\/(?:files|uploads(?:\/[\w-]+\/(?:parts|complete|cancel))?|moderations|(?:messages\/)?batches\/[\w-]+\/cancel|responses\/[\w-]+\/cancel|fine_tuning\/jobs\/[\w-]+\/cancel|responses\/input_tokens)$/;

/** True where the provider bills nothing for a call of a path that passes untouched. A path that a server might read differently is none. */
export function isFreePath({ method, path }: Call): boolean {
  if (freeMethods.has(method)) return true;
  const query = path.indexOf('?');
  return freePath.test(query < 0 ? path : path.slice(0, query));
}
