import type { Answer } from '../exchange/answer.ts';
import type { Call } from '../exchange/call.ts';
import { decodeFrames } from '../exchange/frames.ts';
import type { Reply } from '../exchange/reply.ts';
import { sseText } from '../exchange/sse.ts';
import type { Bytes } from '../exchange/stream.ts';
import { parseJson, type JsonObject } from '../kernel/json.ts';

const eventType = 'text/event-stream; charset=utf-8';
const plainType = 'application/json';

/**
 * False where the form that the caller asked for would lack something: a plain answer always tells its usage, but a stream whose provider
 * gave none cannot become one that does.
 */
export function suitsForm(answer: Answer, call: Call): boolean {
  const streams = call.facts?.stream === true;
  return streams || answer.frames === undefined || answer.usageSource === 'provider';
}

/** A stored answer in the form that the caller asked for, whichever form it came in. */
export function renderAnswer(answer: Answer, call: Call): Reply {
  const streams = call.facts?.stream === true && answer.status === undefined;
  if (!streams) return reply(answer, answer.final, plainType, answer.frames === undefined);
  if (answer.frames !== undefined) {
    return reply(answer, Buffer.concat(decodeFrames(answer.frames)), eventType, true);
  }
  const final = parseJson(Buffer.from(answer.final).toString('utf8')) as JsonObject;
  const events = call.dialect!.streamEvents(final, { usage: call.facts!.streamUsage });
  return reply(answer, Buffer.from(events.map(sseText).join('')), eventType, false);
}

/** @param asItCame the form is the one that the provider gave, so its own content type still holds. */
function reply(answer: Answer, body: Bytes, type: string, asItCame: boolean): Reply {
  if (asItCame) return { status: answer.status ?? 200, headers: answer.headers, body };
  const headers: string[] = ['content-type', type];
  for (let index = 0; index + 1 < answer.headers.length; index += 2) {
    if (answer.headers[index]!.toLowerCase() === 'content-type') continue;
    headers.push(answer.headers[index]!, answer.headers[index + 1]!);
  }
  return { status: 200, headers, body };
}
