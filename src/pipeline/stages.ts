import type { CachePolicy } from '../cache/policy.ts';
import type { Recogniser } from '../cache/recognise.ts';
import type { CacheStack } from '../cache/stack.ts';
import type { FanOut } from '../context/care/fan-out.ts';
import type { ContextCare } from '../context/context-care.ts';
import type { Fitter } from '../context/fitting/fitter.ts';
import type { Call } from '../exchange/call.ts';
import type { Upstream } from '../exchange/upstream.ts';
import type { Clock } from '../kernel/clock.ts';
import type { EconomizerError } from '../kernel/errors.ts';
import type { Signals } from '../kernel/signals.ts';
import { Accountant, type PriceUsage, type Tokens } from './accountant.ts';
import { createBook, type Books } from './book.ts';
import { createCare } from './care.ts';
import { createFit } from './fit.ts';
import { createIdentify } from './identify.ts';
import { createJoin } from './join.ts';
import { createRecall, type WithoutUs } from './recall.ts';
import { Refresher } from './refresh.ts';
import { createRemember } from './remember.ts';
import { createSend } from './send.ts';
import { createSettle } from './settle.ts';
import { shape } from './shape.ts';
import { compose, type Next } from './stage.ts';

/** What the pipeline is built of. */
export interface PipelineParts {
  readonly upstream: Upstream;
  readonly recogniser: Recogniser;
  /** Secret of the installation, part of every cache key. */
  readonly secret: string;
  readonly stack: CacheStack;
  readonly policy: CachePolicy;
  readonly books: Books;
  readonly price: PriceUsage;
  readonly tokens: Tokens;
  readonly without: WithoutUs;
  /** Undefined: neither doctor nor care. */
  readonly care: ContextCare | undefined;
  /** Undefined: histories are forwarded as they came. */
  readonly fitter: Fitter | undefined;
  readonly fanOut: FanOut | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
}

export interface Pipeline {
  /** Takes a call to its answer. Rejects with an EconomizerError; the ledger has a row either way. */
  readonly run: Next;
  /** Books a call that is turned away before it could run. */
  refuse(call: Call, error: EconomizerError): Promise<void>;
  /** Resolves when no work is left that no caller waits for. */
  idle(): Promise<void>;
}

/** THE ordered list: the way of one call, outermost first. */
export function createPipeline(parts: PipelineParts): Pipeline {
  const accountant = new Accountant(parts);
  const book = createBook(parts);
  const refresher = new Refresher({ ...parts, book });
  const stages = [
    book,
    createIdentify(parts),
    shape,
    createRecall({ ...parts, refresher }),
    createJoin(parts),
    createRemember(parts),
    createFit({ ...parts, accountant }),
    createCare({ ...parts, accountant }),
    createSettle({ ...parts, accountant }),
  ];
  return {
    run: compose(stages, createSend(parts)),
    refuse: (call, error) =>
      book(call, () => Promise.reject(error)).then(
        () => {},
        () => {}, // `book` passes on the very error that it was given
      ),
    idle: () => refresher.idle(),
  };
}
