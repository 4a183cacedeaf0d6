import type { Call } from '../exchange/call.ts';
import type { Reply } from '../exchange/reply.ts';
import type { Upstream } from '../exchange/upstream.ts';
import { sseText } from '../exchange/sse.ts';
import { dialects } from '../exchange/wire/index.ts';
import type { Clock } from '../kernel/clock.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { isObject, parseJson, type JsonObject } from '../kernel/json.ts';
import type { BillingBrain, OutputTokens } from './provider/billing-brain.ts';
import { timedStream } from './provider/timed-stream.ts';
import { wireUsage } from './provider/wire-usage.ts';
import type { RecordedCall } from './recorded.ts';

/** The recorded answer to a call, and its length. */
export interface Script {
  readonly recorded: RecordedCall;
  readonly answer: OutputTokens;
}

/**
 * A provider on simulated time: answers each call with its recorded answer in the dialect's wire form, plain or as a stream,
 * as late as a provider would, and bills the very bytes that reached it.
 */
export class SimulatedProvider implements Upstream {
  readonly #brain: BillingBrain;
  readonly #clock: Clock;
  readonly #scriptOf: (callId: string) => Script | undefined;

  constructor(options: {
    brain: BillingBrain;
    clock: Clock;
    scriptOf: (callId: string) => Script | undefined;
  }) {
    this.#brain = options.brain;
    this.#clock = options.clock;
    this.#scriptOf = options.scriptOf;
  }

  send(call: Call): Promise<Reply> {
    const script = this.#scriptOf(call.id) ?? unscripted(call);
    const body = bodyOf(call);
    if (script === undefined || body === undefined) {
      const error = new EconomizerError(
        'ECO_INTERNAL',
        `No answer is recorded for call ${call.id}.`,
      );
      return Promise.reject(error);
    }
    const { dialect, model } = script.recorded;
    const arrival = {
      provider: call.provider.priceId,
      model,
      dialect,
      body,
      scope: call.caller.tenant,
      at: this.#clock.now(),
      answer: script.answer,
    };
    const { fault } = this.#brain.prompt(arrival);
    if (fault !== undefined) return Promise.resolve(refusal(dialect, fault));
    const bill = this.#brain.bill(arrival);
    const final = finalMessage(script.recorded, call, wireUsage(dialect, bill.usage));
    if (body['stream'] !== true) {
      const reply = whole(200, final);
      return this.#after(call, bill.totalMs, () => reply);
    }
    const chunks = streamChunks(dialect, final, body);
    const overMs = bill.totalMs - bill.firstTokenMs;
    return this.#after(call, bill.firstTokenMs, () => ({
      status: 200,
      headers: ['content-type', 'text/event-stream; charset=utf-8'],
      body: timedStream({ chunks, overMs, clock: this.#clock }),
    }));
  }

  /** Answers after `ms`, unless the caller leaves before. */
  #after(call: Call, ms: number, answer: () => Reply): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const callOff = this.#clock.after(ms, () => {
        stopListening();
        resolve(answer());
      });
      const stopListening = call.cancellation.onCancel((reason) => {
        callOff();
        reject(reason);
      });
    });
  }
}

/** The answer to a call that the house makes of its own: the least that there can be. */
function unscripted(call: Call): Script | undefined {
  if (call.dialect === undefined || call.facts === undefined) return undefined;
  const message = { role: 'assistant', content: '.' };
  const answer =
    call.dialect.name === 'anthropic-messages'
      ? {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'text', text: '.' }],
          stop_reason: 'max_tokens',
          stop_sequence: null,
        }
      : { object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'length' }] };
  const recorded: RecordedCall = {
    atMs: undefined,
    dialect: call.dialect.name,
    model: call.facts.model,
    request: {},
    answer,
  };
  return { recorded, answer: { output: 1, reasoning: 0 } };
}

function bodyOf({ body }: Call): JsonObject | undefined {
  if (!(body instanceof Uint8Array)) return undefined;
  const parsed = parseJson(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  return isObject(parsed) ? parsed : undefined;
}

function streamChunks(
  dialect: RecordedCall['dialect'],
  final: JsonObject,
  body: JsonObject,
): Buffer[] {
  const options = body['stream_options'];
  const usage = isObject(options) && options['include_usage'] === true;
  const events = dialects[dialect].streamEvents(final, { usage });
  return events.map((event) => Buffer.from(sseText(event)));
}

function finalMessage(
  { dialect, answer, model }: RecordedCall,
  call: Call,
  usage: JsonObject,
): JsonObject {
  const named =
    dialect === 'anthropic-messages' ? {} : { created: Math.floor(call.startedAt / 1000) };
  const id = `${dialect === 'anthropic-messages' ? 'msg' : 'chatcmpl'}_${call.id}`;
  return { id, ...named, ...answer, model, usage };
}

function refusal(dialect: RecordedCall['dialect'], message: string): Reply {
  const shape = { status: 400, type: 'invalid_request_error', code: 'invalid_request_error' };
  return whole(400, dialects[dialect].errorBody({ ...shape, message, param: undefined }));
}

function whole(status: number, body: unknown): Reply {
  const headers = ['content-type', 'application/json'];
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}
