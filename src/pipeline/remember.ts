import { lifetimes } from '../cache/freshness.ts';
import { asksToCacheMore } from '../cache/eased-policy.ts';
import { unfitForStore, type CachePolicy } from '../cache/policy.ts';
import type { CacheStack } from '../cache/stack.ts';
import { storedHeaders } from '../cache/stored-headers.ts';
import type { Answer } from '../exchange/answer.ts';
import type { Call, Harvest } from '../exchange/call.ts';
import { encodeFrames, isComment, splitFrames } from '../exchange/frames.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import type { Bytes } from '../exchange/stream.ts';
import type { Clock } from '../kernel/clock.ts';
import { note } from './note.ts';
import type { Stage } from './stage.ts';
import { tapped } from './tap.ts';

interface RememberOptions {
  readonly stack: CacheStack;
  readonly policy: CachePolicy;
  /** What becomes of the policy while a budget asks to cache more; undefined: nothing. */
  readonly easedPolicy?: ((policy: CachePolicy) => CachePolicy) | undefined;
  readonly clock: Clock;
}

/** Stores a whole and fit answer for others. Stands inside `join`, so that it is stored even if the caller who began the flight has left. */
export function createRemember(options: RememberOptions): Stage {
  return (call, next) =>
    call.reuse.store ? next(call).then((reply) => kept(call, reply, options)) : next(call);
}

function kept(call: Call, reply: Reply, options: RememberOptions): Reply {
  if (reply.status !== 200) return reply;
  if (isWhole(reply.body)) {
    remember(call, reply, options);
    return reply;
  }
  const end = (): void => remember(call, reply, options);
  // Also when its last reader has left: it may have left at the last event.
  return { ...reply, body: tapped(reply.body, { end, broken: end }) };
}

function remember(call: Call, reply: Reply, options: RememberOptions): void {
  const { stack, clock, easedPolicy } = options;
  const policy =
    easedPolicy !== undefined && asksToCacheMore(call.pressure)
      ? easedPolicy(options.policy)
      : options.policy;
  const { harvest, key } = call;
  if (harvest?.final === undefined || key === undefined) return;
  if (call.cut === true || call.account.budget?.outputCap !== undefined) {
    note(call, 'remember', 'not-stored:clamped', clock);
    return;
  }
  const size = harvest.final.length + (harvest.events?.length ?? 0);
  const unfit = unfitForStore(
    { facts: harvest.facts, status: reply.status, headers: reply.headers, size },
    policy,
  );
  if (unfit !== undefined) {
    note(call, 'remember', `not-stored:${unfit}`, clock);
    return;
  }
  const answer = answerOf(call, harvest, reply);
  stack.store({ key, answer, ...lifetimes(policy, clock.now()) });
  call.account.stored = true;
  note(call, 'remember', 'stored', clock);
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
