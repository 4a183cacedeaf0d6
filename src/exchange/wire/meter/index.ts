import type { DialectName } from '../../dialect.ts';
import { ChunkMeter } from './chunk-meter.ts';
import { MessageMeter } from './message-meter.ts';
import { ResponsesMeter } from './responses-meter.ts';
import type { StreamMeter } from './stream-meter.ts';

const meters: Partial<Readonly<Record<DialectName, () => StreamMeter>>> = {
  'openai-chat': () => new ChunkMeter('chat'),
  'openai-completions': () => new ChunkMeter('text'),
  'openai-responses': () => new ResponsesMeter(),
  'anthropic-messages': () => new MessageMeter(),
};

/** A meter for a stream of a dialect; undefined where it has none. */
export function streamMeter(dialect: DialectName): StreamMeter | undefined {
  return meters[dialect]?.();
}
