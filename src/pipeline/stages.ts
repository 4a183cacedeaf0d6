import type { PublicAnswers } from '../cache/edge/public-answers.ts';
import type { PurgeView } from '../cache/invalidation/purge-watch.ts';
import type { PolicyBook } from '../cache/policies/policy-book.ts';
import type { CheaperOf } from '../budget/ladder/cheaper-models.ts';
import type { Protection } from '../budget/ladder/protection.ts';
import type { Recogniser } from '../cache/recognise.ts';
import type { SecretInUse } from '../cache/shared-secret.ts';
import type { CacheStack } from '../cache/stack.ts';
import type { FanOut } from '../context/care/fan-out.ts';
import type { ContextCare } from '../context/context-care.ts';
import type { Fitter } from '../context/fitting/fitter.ts';
import type { Call } from '../exchange/call.ts';
import type { Upstream } from '../exchange/upstream.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EconomizerError } from '../kernel/errors.ts';
import type { Random } from '../kernel/random.ts';
import type { Signals } from '../kernel/signals.ts';
import { Accountant, type PriceUsage, type Tokens } from './accountant.ts';
import { createAdmit, type Gate } from './admit.ts';
import { createBook, type Books } from './book.ts';
import { createCare } from './care.ts';
import { createFit } from './fit.ts';
import { createGlance } from './glance.ts';
import { createIdentify, identifier } from './identify.ts';
import { createJoin } from './join.ts';
import { KeepWarm } from './keep-warm.ts';
import { PolicyChoice, type EasePolicy } from './policy-choice.ts';
import { createPolicyKey } from './policy-key.ts';
import { createMetering } from './metering.ts';
import { createProtect } from './protect.ts';
import { createRecall, type WithoutUs } from './recall.ts';
import { Refresher } from './refresh.ts';
import { createRemember } from './remember.ts';
import { createReserve, type ReserveParts } from './reserve.ts';
import { createSend } from './send.ts';
import { createShare, type Sharing } from './share.ts';
import { createSettle } from './settle.ts';
import { shape } from './shape.ts';
import { compose, type Next } from './stage.ts';

/** What the pipeline is built of. */
export interface PipelineParts {
  readonly upstream: Upstream;
  readonly recogniser: Recogniser;
  /** Part of every cache key. */
  readonly secret: SecretInUse;
  readonly stack: CacheStack;
  readonly policies: PolicyBook;
  /** What becomes of a policy while a budget asks to cache more; undefined: nothing. */
  readonly easedPolicy?: EasePolicy | undefined;
  /** Whether an answer past its time may be fetched anew in the background just now. */
  readonly mayRefresh?: ((call: Call) => boolean) | undefined;
  /** Undefined: nothing is ever purged. */
  readonly purges?: PurgeView | undefined;
  /** `Cache-Status` says under which key. */
  readonly showsKeys?: boolean | undefined;
  /** Undefined: caches of HTTP keep no answers to calls. */
  readonly publicAnswers?: PublicAnswers | undefined;
  readonly random: Random;
  readonly books: Books;
  readonly price: PriceUsage;
  readonly tokens: Tokens;
  readonly without: WithoutUs;
  /** Undefined: neither doctor nor care. */
  readonly care: ContextCare | undefined;
  /** Undefined: histories are forwarded as they came. */
  readonly fitter: Fitter | undefined;
  /** What a call must pass before anything is done for it, in order. */
  readonly gates: readonly Gate[];
  readonly fanOut: FanOut | undefined;
  /** Undefined: no budget is configured. */
  readonly budgets: ReserveParts | undefined;
  /** Undefined: prefixes are not kept warm by calls of our own. */
  readonly keepWarm: { readonly perSession: number; readonly perDay: number } | undefined;
  /** Undefined: budgets press nobody. */
  readonly protection?:
    | { readonly protection: Protection; readonly cheaper: CheaperOf }
    | undefined;
  /** Undefined: flights are this process's own. */
  readonly sharing: Sharing | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

export interface Pipeline {
  /** Takes a call to its answer. Rejects with an EconomizerError; the ledger has a row either way. */
  readonly run: Next;
  /** Books a call that is turned away before it could run. */
  refuse(call: Call, error: EconomizerError): Promise<void>;
  /** Begins no more work that no caller waits for, and resolves when none is left. */
  idle(): Promise<void>;
}

/** THE ordered list: the way of one call, outermost first. */
export function createPipeline(parts: PipelineParts): Pipeline {
  const { sharing } = parts;
  const accountant = new Accountant(parts);
  const book = createBook(parts);
  const choice = new PolicyChoice(parts.policies, parts.easedPolicy);
  const refresher = new Refresher({ ...parts, book });
  const settle = createSettle({ ...parts, accountant });
  const send = createSend(parts);
  const reserve =
    parts.budgets === undefined
      ? []
      : [createReserve({ ...parts.budgets, clock: parts.clock, isBooked: true })];
  const keepWarm =
    parts.keepWarm &&
    new KeepWarm({
      ...parts.keepWarm,
      clock: parts.clock,
      run: compose([book, ...reserve, settle], send), // plain calls: no stream to count
    });
  const identify = identifier(parts);
  const stages = [
    book,
    createIdentify(identify),
    ...(parts.budgets === undefined ? [] : [createGlance(parts.budgets)]),
    ...(parts.gates.length > 0 ? [createAdmit(parts)] : []),
    ...(parts.protection === undefined
      ? []
      : [createProtect({ ...parts, ...parts.protection, identify, accountant })]),
    shape,
    createRecall({
      ...parts,
      choice,
      refresher,
      policyKey: createPolicyKey(parts),
      waitedMs: sharing && (() => sharing.flights.waitedMs),
    }),
    createJoin(parts),
    ...(sharing === undefined ? [] : [createShare({ ...parts, ...sharing, choice })]),
    createRemember({ ...parts, choice }),
    createFit({ ...parts, accountant }),
    createCare({ ...parts, accountant, keepWarm }),
    ...reserve,
    settle,
    ...(parts.budgets === undefined ? [] : [createMetering(parts)]),
  ];
  return {
    run: compose(stages, send),
    refuse: (call, error) =>
      book(call, () => Promise.reject(error)).then(
        () => {},
        () => {}, // `book` passes on the very error that it was given
      ),
    async idle() {
      await refresher.idle();
      await keepWarm?.stop();
    },
  };
}
