import { EconomizerError } from '../../kernel/errors.ts';
import type { EdgeHttp, EdgeResponse } from './http.ts';

/** How one edge is told that answers are gone. */
export interface PurgeWay {
  /** Tells it from others in logs and in the file of what is still to be told. */
  readonly name: string;
  /** Names that it takes at once. */
  readonly batchMax: number;
  /**
   * Everything under any of these names is gone, or, softly and where the edge knows that, past its time. Never rejects.
   * @returns undefined where the edge has done so.
   */
  purge(surrogateKeys: readonly string[], soft: boolean): Promise<PurgeFailure | undefined>;
}

export interface PurgeFailure {
  readonly error: EconomizerError;
  /** The edge wants to hear nothing more for so long, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

export interface PurgeWayOptions {
  readonly http: Pick<EdgeHttp, 'request'>;
  /** For one request, in milliseconds. */
  readonly timeoutMs: number;
}

/** No answer to a purge is longer. */
export const purgeAnswerBytes = 256 * 1024;

/** Sends a purge; any answer that `isDone` does not take is a failure. */
export async function told(
  name: string,
  send: () => Promise<EdgeResponse>,
  isDone: (response: EdgeResponse) => boolean = isSuccess,
): Promise<PurgeFailure | undefined> {
  try {
    const response = await send();
    if (isDone(response)) return undefined;
    const { status, retryAfterMs } = response;
    const error = new EconomizerError(
      'ECO_EDGE',
      `${name} did not purge (status ${status}); ${adviceOn(status)}.`,
    );
    return { error, retryAfterMs };
  } catch (cause) {
    return { error: EconomizerError.from(cause) };
  }
}

export function isSuccess({ status }: EdgeResponse): boolean {
  return status >= 200 && status < 300;
}

function adviceOn(status: number): string {
  if (status === 401 || status === 403) return 'see that edge.purge has the right secret for it';
  if (status === 429) return 'it wants fewer purges; this one is tried again later';
  return 'it is tried again';
}
