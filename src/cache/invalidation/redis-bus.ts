import type { RedisLink } from '../../services/redis.ts';
import type { PurgeBus } from './purge-bus.ts';

export interface RedisBusOptions {
  readonly link: RedisLink;
  /** Before our own names, so that several installations can share a server. */
  readonly prefix: string;
  /** For one command, in milliseconds. */
  readonly deadlineMs: number;
  readonly onFailure: (error: unknown) => void;
}

/** Tells the other gateways on the same Redis what was purged. */
export function createRedisBus(options: RedisBusOptions): PurgeBus {
  const { link, prefix, deadlineMs, onFailure } = options;
  const channel = `${prefix}purges`;
  return {
    publish(message) {
      link.send(['PUBLISH', channel, message], deadlineMs).catch(onFailure);
    },
    subscribe(onMessage, onGap) {
      const subscription = link.subscribe(
        channel,
        (message) => onMessage(message.toString('utf8')),
        onGap,
      );
      // What was said before it stood was not heard.
      const tried = subscription.then(onGap, onFailure);
      return {
        tried,
        end() {
          subscription.then((end) => end()).catch(onFailure);
        },
      };
    },
  };
}
