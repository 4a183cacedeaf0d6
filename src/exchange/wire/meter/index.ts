import type { DialectName } from '../../dialect.ts';
import { ChunkMeter } from './chunk-meter.ts';
import { MessageMeter } from './message-meter.ts';
import { ResponsesMeter } from './responses-meter.ts';
import type { StreamMeter } from './stream-meter.ts';

/** A meter for a stream of a dialect; undefined where it has none. */
export function streamMeter(dialect: DialectName): StreamMeter | undefined {
  switch (dialect) {
    case 'openai-chat':
      return new ChunkMeter('chat');
    case 'openai-completions':
      return new ChunkMeter('text');
    case 'openai-responses':
      return new ResponsesMeter();
    case 'anthropic-messages':
      return new MessageMeter();
    default:
      return undefined;
  }
}
