import { edgeShare } from '../cache/edge/public.ts';
import { lifetimes, negativeLifetimes } from '../cache/freshness.ts';
import { labelsFor } from '../cache/invalidation/labels.ts';
import type { PurgeView } from '../cache/invalidation/purge-watch.ts';
import { ConversationAnswers, beginningOf } from '../cache/policies/conversation-answers.ts';
import { isLastingRefusal, unfitForStore, type CachePolicy } from '../cache/policy.ts';
import type { CacheStack } from '../cache/stack.ts';
import { storedHeaders } from '../cache/stored-headers.ts';
import type { CacheEntry } from '../cache/tier.ts';
import type { Answer } from '../exchange/answer.ts';
import type { Call, Harvest } from '../exchange/call.ts';
import { encodeFrames, isComment, splitFrames } from '../exchange/frames.ts';
import { fieldOf, isWhole, type Reply } from '../exchange/reply.ts';
import type { Bytes } from '../exchange/stream.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Random } from '../kernel/random.ts';
import { note } from './note.ts';
import { accessOf, type PolicyChoice } from './policy-choice.ts';
import type { Stage } from './stage.ts';
import { tapped } from './tap.ts';

interface RememberOptions {
  readonly stack: CacheStack;
  readonly choice: PolicyChoice;
  /** Undefined: nothing is ever purged. */
  readonly purges?: PurgeView | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** An answer on its way, and under what it will be kept. */
interface Awaited {
  readonly call: Call;
  readonly policy: CachePolicy;
  /** What was purged before the answer was asked for; later purges may mean it. */
  readonly epoch: number | undefined;
  /** Undefined where all answers of a conversation are kept. */
  readonly conversation: string | undefined;
}

/** Stores a whole and fit answer for others. Stands inside `join`, so that it is stored even if the caller who began the flight has left. */
export function createRemember(options: RememberOptions): Stage {
  const keeper = new Keeper(options);
  return (call, next) => {
    const policy = call.reuse.store ? options.choice.chosen(call) : undefined;
    if (policy === undefined) return next(call);
    const epoch = options.purges?.version();
    const conversation = policy.messages === undefined ? undefined : conversationOf(call);
    const awaited = { call, policy, epoch, conversation };
    return next(call).then((reply) => keeper.kept(awaited, reply));
  };
}

function conversationOf({ caller, dialect, body, credentialScope }: Call): string | undefined {
  const name = caller.session ?? (isBytes(body) ? beginningOf(dialect!, body) : undefined);
  return name && JSON.stringify([caller.tenant, credentialScope, caller.agent, name]);
}

function isBytes(body: Call['body']): body is Bytes {
  return body !== undefined && isWhole(body);
}

class Keeper {
  readonly #options: RememberOptions;
  readonly #conversations = new ConversationAnswers();

  constructor(options: RememberOptions) {
    this.#options = options;
  }

  kept(awaited: Awaited, reply: Reply): Reply {
    if (reply.status !== 200) return this.#keptRefusal(awaited, reply);
    if (isWhole(reply.body)) {
      this.#remember(awaited, reply);
      return reply;
    }
    const end = (): void => this.#remember(awaited, reply);
    // Also when its last reader has left: it may have left at the last event.
    return { ...reply, body: tapped(reply.body, { end, broken: end }) };
  }

  #remember(awaited: Awaited, reply: Reply): void {
    const { call, policy } = awaited;
    const { harvest, key } = call;
    if (harvest?.final === undefined || key === undefined) return;
    if (call.cut === true || call.account.budget?.outputCap !== undefined) {
      note(call, 'remember', 'not-stored:clamped', this.#options.clock);
      return;
    }
    const size = harvest.final.length + (harvest.events?.length ?? 0);
    const unfit = unfitForStore(
      { facts: harvest.facts, status: reply.status, headers: reply.headers, size },
      policy,
    );
    if (unfit !== undefined) {
      note(call, 'remember', `not-stored:${unfit}`, this.#options.clock);
      return;
    }
    const { clock, random } = this.#options;
    const chance = policy.jitter === 0 ? 0 : random.next();
    const times = lifetimes(policy, clock.now(), chance);
    this.#store(awaited, { key, answer: answerOf(call, harvest, reply), ...times });
    call.account.stored = true;
    note(call, 'remember', 'stored', clock);
  }

  /** A refusal that would come again is kept where the policy says so; its body, where it comes in pieces, is collected on the side. */
  #keptRefusal(awaited: Awaited, reply: Reply): Reply {
    if (awaited.policy.negativeTtlMs === 0 || reply.status < 400) return reply;
    if (isWhole(reply.body)) {
      this.#rememberRefusal(awaited, reply, reply.body);
      return reply;
    }
    const chunks: Bytes[] = [];
    return {
      ...reply,
      body: tapped(reply.body, {
        chunk: (chunk) => void chunks.push(chunk.slice()),
        end: () => this.#rememberRefusal(awaited, reply, Buffer.concat(chunks)),
      }),
    };
  }

  #rememberRefusal(awaited: Awaited, reply: Reply, body: Bytes): void {
    const { call, policy } = awaited;
    const isCoded = fieldOf(reply.headers, 'content-encoding') !== undefined;
    const text = Buffer.from(body).toString('utf8');
    if (isCoded || call.key === undefined || !isLastingRefusal(reply.status, text, policy)) return;
    const { clock } = this.#options;
    const answer: Answer = {
      dialect: call.dialect!.name,
      status: reply.status,
      model: undefined,
      serviceTier: undefined,
      final: body,
      frames: undefined,
      headers: storedHeaders(reply.headers),
      usage: undefined,
      usageSource: undefined,
      firstByteMs: 0,
      totalMs: clock.tick() - call.startedTick,
    };
    this.#store(awaited, { key: call.key, answer, ...negativeLifetimes(policy, clock.now()) });
    note(call, 'remember', `stored:${reply.status}`, clock);
  }

  #store({ call, policy, epoch, conversation }: Awaited, bare: CacheEntry): void {
    const { stack, purges } = this.#options;
    const { costNanos } = call.account;
    const entry: CacheEntry = {
      ...bare,
      tags: labelsFor(call, {
        served: bare.answer.model,
        policy: policy.name,
        edge: edgeShare(policy, call),
      }),
      worthNanos: bare.answer.status === undefined ? costNanos : 0,
      epoch,
      ...(policy.compress === undefined ? {} : { storage: policy.compress ? 'packed' : 'plain' }),
      ...(policy.deduplicate ? {} : { alone: true }),
    };
    // It was asked for before a purge that means it: nobody will be given it.
    if (purges?.judge(entry).kind === 'gone') return;
    stack.store(entry, accessOf(policy, call));
    if (conversation === undefined || policy.messages === undefined) return;
    const over = this.#conversations.kept(conversation, entry.key, policy.messages);
    for (const key of over) void stack.drop(key);
  }
}

function answerOf(call: Call, harvest: Harvest, reply: Reply): Answer {
  const { account } = call;
  const ended = account.endedTick ?? call.startedTick;
  return {
    dialect: call.dialect!.name,
    model: harvest.facts.model,
    serviceTier: harvest.facts.serviceTier,
    final: harvest.final!,
    frames: harvest.events === undefined ? undefined : storedFrames(harvest.events),
    headers: storedHeaders(reply.headers),
    usage: account.usage,
    usageSource: account.usageSource,
    firstByteMs: (account.firstByteTick ?? ended) - (account.sentTick ?? call.startedTick),
    totalMs: ended - (account.sentTick ?? call.startedTick),
  };
}

function storedFrames(events: Bytes): Bytes {
  return encodeFrames(splitFrames(events).filter((frame) => !isComment(frame)));
}
