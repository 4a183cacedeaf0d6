import { crc32 } from 'node:zlib';
import type { DialectName } from '../../exchange/dialect.ts';
import type { Clock } from '../../kernel/clock.ts';
import { bodySpans, type BodySpans } from '../../kernel/json-spans.ts';
import type { Span } from '../../kernel/json-members.ts';
import { nanoFromPico, type NanoUsd } from '../../kernel/money.ts';
import type { Signals } from '../../kernel/signals.ts';
import { digestOf } from '../../kernel/digest.ts';
import { BoundedMap } from '../../kernel/bounded-map.ts';
import { firstTurn } from '../thread-key.ts';
import { applyPlan } from './edits/apply-plan.ts';
import { withEdits } from './edits/history-edits.ts';
import { Effects } from './effects.ts';
import { FirstSend, type FirstSendPolicy, type NewItem } from './first-send/first-send.ts';
import { Handles } from './first-send/handles.ts';
import { CallsLeft } from './gate/calls-left.ts';
import { heldLong, withoutCache, type Economics } from './gate/economics.ts';
import { planEdits, type FitPolicy, type Plan } from './gate/plan.ts';
import { ConversationMemory, type MemoryLimits } from './memory/conversation-memory.ts';
import { Conversation, itemSpans } from './memory/conversation.ts';
import { takeMovedMarks } from './memory/moved-marks.ts';
import { commonItems, readOn, saysIn } from './memory/read-on.ts';
import { questionOf, type Situation } from './question.ts';
import { answerRoom, asksLong, caches, isHot } from './request-state.ts';
import { Sizes } from './sizes.ts';
import { Success } from './success.ts';
import type { TokenMeter } from './token-meter.ts';
import type { TurnReader } from './turns/item.ts';
import { turnReaders } from './turns/readers.ts';

export interface FitterOptions {
  readonly policy: FitPolicy;
  readonly firstSend: FirstSendPolicy;
  /** The share of a model's window that a request may fill with input, before the room that it asks for its answer. */
  readonly windowShare: number;
  /** A message that holds one of these texts is never edited. */
  readonly pins: readonly string[];
  readonly limits: MemoryLimits;
  readonly meter: TokenMeter;
  /** Undefined where a price or a multiplier is not known for certain: then nothing is edited. */
  readonly economics: (question: ModelQuestion) => Economics | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

export interface ModelQuestion {
  /** The provider's name in the price book. */
  readonly provider: string;
  readonly model: string;
  readonly serviceTier: string | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface FitRequest {
  readonly callId: string;
  /** Tenant and credential: nothing is shared across it. */
  readonly scope: string;
  readonly agent: string | undefined;
  readonly session: string | undefined;
  readonly dialect: DialectName;
  readonly provider: string;
  readonly model: string;
  readonly serviceTier: string | undefined;
  readonly body: Buffer;
}

export interface Fitted {
  /** The very same buffer where nothing is edited. */
  readonly body: Buffer;
  /** What an edit that is made now is expected to save over this call and those to come; undefined where none is. */
  readonly predictedNanos: NanoUsd | undefined;
  /** What was decided, as a short token; undefined where there was nothing to decide. */
  readonly verdict: string | undefined;
}

/** The beginning of a body by which agents are told apart that have no name. */
const fingerprintBytes = 1024;

/** A hundred bytes each. */
const rememberedOpenings = 20_000;

/**
 * Fits conversations: edits their histories where that pays, and makes the same edits, byte for byte, on every later call, so that
 * what the provider has cached stays good.
 */
export class Fitter {
  readonly effects: Effects;
  readonly success: Success;
  readonly #options: FitterOptions;
  readonly #memory: ConversationMemory;
  readonly #past = new CallsLeft();
  /** When conversations were last seen, by their opening. */
  readonly #seen = new BoundedMap<number>(rememberedOpenings);
  readonly #firstSend: FirstSend;
  readonly #sizes: Sizes;

  constructor(options: FitterOptions) {
    this.#options = options;
    const { limits, firstSend, meter, signals, clock } = options;
    this.#sizes = new Sizes(meter);
    this.#firstSend = new FirstSend(firstSend, new Handles(limits.maxBytes / 4));
    this.success = new Success((edits, isOff) => {
      const text = isOff
        ? `Fitting: edits of the class "${edits}" cost more than they saved; they are switched off for a day.`
        : `Fitting: edits of the class "${edits}" are tried again.`;
      signals.emit('notice', { text });
    });
    this.effects = new Effects({ meter });
    this.#memory = new ConversationMemory(limits, (conversation) => {
      this.#past.learn(conversation.agent, conversation.turns);
      for (const { edits, predicted, realised } of conversation.batches) {
        this.success.judge(edits, predicted / 1000, realised, clock.now());
      }
    });
  }

  /** Resolves when tokens can be counted. */
  ready(): Promise<void> {
    return this.#options.meter.ready();
  }

  /** The request as it is to leave. */
  fit(request: FitRequest): Fitted {
    const now = this.#options.clock.now();
    this.#memory.expire(now);
    const { body, provider, model, serviceTier } = request;
    const reader = turnReaders[request.dialect];
    if (reader === undefined) return untouched(body, undefined);
    const usual = this.#options.economics({ provider, model, serviceTier, at: now });
    if (usual === undefined) return untouched(body, 'no-price');
    const known = this.#conversationOf(request, reader);
    if (known === undefined) return untouched(body, undefined);
    const { conversation, spans, items } = known;
    const fault = reader.requestFault(saysIn(body, spans));
    if (fault !== undefined) return untouched(body, `left:${fault}`);
    const itemsSent = this.#readOn(conversation, request, items, reader);
    const economics = asksLong(conversation, usual, body) ? heldLong(usual) : usual;
    const hot = itemsSent > 0 && isHot(conversation, economics, now);
    const situation = this.#situation({ request, known, reader, economics, itemsSent, hot });
    const plan = this.#plan(situation, request.model);
    if (typeof plan !== 'string') {
      applyPlan(plan, { ...situation, tokensOf: this.#sizes.ownOf(conversation) });
    }
    const edited = withEdits(body, items, conversation.edits);
    this.#remember(conversation, request, spans, items, now, hot);
    this.effects.sent(request.callId, {
      conversation,
      model,
      sizes: this.#sizes.totals(conversation),
      hot,
      batch: typeof plan === 'string' ? undefined : conversation.batches.at(-1),
    });
    return {
      body: edited,
      predictedNanos: typeof plan === 'string' ? undefined : nanoFromPico(plan.saving),
      verdict: verdictOf(plan, conversation),
    };
  }

  #conversationOf(request: FitRequest, reader: TurnReader): Known | undefined {
    const { scope, body, provider, model, session, agent, dialect } = request;
    const beginning = crc32(body.subarray(0, fingerprintBytes));
    // What all requests of a conversation have in common, however short it is and whatever stands before it.
    const opening = firstTurn(dialect, body) ?? beginning;
    const bucket = `${scope}\n${provider}\n${model}\n${session ?? opening}`;
    const continued = this.#memory.continuedBy(bucket, body);
    const near = continued === undefined ? this.#memory.nearest(bucket, body) : undefined;
    const spans =
      continued?.spansOf(body) ?? near?.conversation.spansOf(body, near.same) ?? bodySpans(body);
    const items = itemSpans(spans, reader.list);
    if (items === undefined || items.length === 0) return undefined;
    const begin = (): Conversation =>
      new Conversation(bucket, `${scope}\n${agent ?? beginning}`, reader);
    if (near === undefined) return { conversation: continued ?? begin(), spans, items };
    const common = commonItems(items, near.conversation, near.same);
    if (takeMovedMarks(near.conversation, body, items, common, reader)) {
      return { conversation: near.conversation, spans, items };
    }
    const goesOn = common > 0 && near.conversation.edits.size > 0;
    return { conversation: goesOn ? near.conversation.fork(common) : begin(), spans, items };
  }

  /** Takes in what is new. Returns how many items were sent before, as far as we know. */
  #readOn(
    conversation: Conversation,
    request: FitRequest,
    items: readonly Span[],
    reader: TurnReader,
  ): number {
    const isKnown = conversation.lastAt !== undefined;
    const before = conversation.items.length;
    const added = readOn(conversation, request.body, items, reader, this.#options.pins);
    // Of a conversation that we see for the first time, all that the model answered to was sent before.
    const spoken = conversation.items.findLastIndex(({ item }) => item.speaker === 'assistant');
    const itemsSent = isKnown ? before : Math.max(before, spoken);
    this.#recognise(conversation, added);
    if (conversation.fault !== undefined) return itemsSent;
    for (const each of added) {
      if (each.index < itemsSent) this.#firstSend.note(conversation, each);
      else this.#firstSend.edit(conversation, each, reader, request.scope);
    }
    const written = added.findLast(({ item }) => item.speaker === 'assistant')?.item.text;
    const newest = added.at(-1);
    if (written !== undefined && newest !== undefined) {
      this.#firstSend.answer(conversation, newest, written, reader, request.scope);
    }
    return itemsSent;
  }

  /** A conversation that was forgotten is at least known to have been seen: it tells whether the provider has forgotten it too. */
  #recognise(conversation: Conversation, added: readonly NewItem[]): void {
    if (conversation.opening !== undefined) return;
    const first = added.find(({ item }) => item.speaker === 'user');
    if (first === undefined) return;
    conversation.opening = digestOf(`${conversation.bucket}\n${first.item.text}`);
    conversation.seenAt = this.#seen.get(conversation.opening);
  }

  #situation(given: {
    readonly request: FitRequest;
    readonly known: Known;
    readonly reader: TurnReader;
    readonly economics: Economics;
    readonly itemsSent: number;
    readonly hot: boolean;
  }): Unsized {
    const { request, known, reader, hot, itemsSent } = given;
    const { conversation, spans, items } = known;
    const { policy, windowShare, clock } = this.#options;
    const isCached = caches(conversation, given.economics, request.body);
    const economics = isCached ? given.economics : withoutCache(given.economics);
    const { window } = economics;
    return {
      conversation,
      body: request.body,
      spans: items,
      reader,
      economics,
      policy,
      hot: hot && isCached,
      itemsSent,
      callsLeft: this.#past.expect(conversation.agent, conversation.turns + 1),
      limit:
        window === undefined ? Infinity : window * windowShare - answerRoom(request.body, spans),
      allows: (edits) => this.success.allows(edits, clock.now()),
    };
  }

  /** First with sizes that are guessed high, which costs nothing; what could then be edited is counted before it is decided. */
  #plan(situation: Unsized, model: string) {
    const { conversation, body, spans, reader } = situation;
    const { fault } = conversation;
    if (fault !== undefined) return `left:${fault}`;
    conversation.headBytes = this.#sizes.headBytes(body, spans);
    const guess = planEdits(
      questionOf({ ...situation, ...this.#sizes.guessed(conversation, model) }),
    );
    if (typeof guess === 'string') return guess;
    this.#sizes.count(conversation, body, spans, reader);
    return planEdits(questionOf({ ...situation, ...this.#sizes.counted(conversation, model) }));
  }

  #remember(
    conversation: Conversation,
    { body }: FitRequest,
    spans: BodySpans,
    items: readonly Span[],
    now: number,
    hot: boolean,
  ): void {
    conversation.calls++;
    if (!hot && conversation.lastAt !== undefined) conversation.coldCalls++;
    conversation.lastAt = now;
    if (conversation.opening !== undefined) this.#seen.set(conversation.opening, now);
    conversation.keep(body, spans, items.at(-1)!.end);
    this.#memory.keep(conversation);
  }
}

/** A request that leaves as it came. */
export function untouched(body: Buffer, verdict: string | undefined): Fitted {
  return { body, verdict, predictedNanos: undefined };
}

/** A situation before the sizes of its parts are known. */
type Unsized = Omit<Situation, 'tokensOf' | 'headTokens' | 'factor'>;

/** A request's conversation and where its parts lie. */
interface Known {
  readonly conversation: Conversation;
  readonly spans: BodySpans;
  readonly items: readonly Span[];
}

function verdictOf(plan: Plan | string, conversation: Conversation): string {
  if (typeof plan !== 'string') return `${plan.edits}:${plan.mask.length}+${plan.remove.length}`;
  return conversation.edits.size > 0 ? `${plan}:replayed` : plan;
}
