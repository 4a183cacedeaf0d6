import { Agent, request } from 'undici';
import { EconomizerError } from '../kernel/errors.ts';

/** A message of our own to somebody who is no provider, such as the receiver of an alert. */
export interface PostMessage {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

export interface Poster {
  /**
   * Posts a body and resolves with the status of the answer, whose body is not read. Follows no redirection.
   * @throws EconomizerError `ECO_ALERT` where no answer came in time.
   */
  post(message: PostMessage): Promise<number>;
  close(): Promise<void>;
}

/** An answer that goes on for longer is cut off. */
const unreadBytes = 64 * 1024;

export function createPoster(): Poster {
  const agent = new Agent({ connections: 4, keepAliveTimeout: 4000 });
  return {
    async post({ url, headers, body, timeoutMs }) {
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const answer = await request(url, {
          method: 'POST',
          headers,
          body,
          signal,
          dispatcher: agent,
        });
        await answer.body.dump({ limit: unreadBytes });
        return answer.statusCode;
      } catch (cause) {
        throw new EconomizerError(
          'ECO_ALERT',
          `The receiver of an alert at ${new URL(url).host} could not be reached; check its address under "alerts".`,
          { cause },
        );
      }
    },
    close: () => agent.destroy(),
  };
}
