import type { CarePlan, CareRequest } from '../../context/care-plan.ts';
import { ContextCare } from '../../context/context-care.ts';
import type { Cause } from '../../context/doctor/cause.ts';
import type { Loss } from '../../context/settlement.ts';
import type { TermsOf } from '../../context/terms.ts';
import { inputTokens, type Usage } from '../../exchange/usage.ts';
import { isObject, parseJson, type JsonObject } from '../../kernel/json.ts';
import type { NanoUsd } from '../../kernel/money.ts';
import type { PriceUsage } from '../../pipeline/accountant.ts';
import { planCalls, type PlannedCall } from '../planned-call.ts';
import { priceOf } from '../prices.ts';
import { BillingBrain } from '../provider/billing-brain.ts';
import type { RulesOf } from '../provider/prefix-cache.ts';
import type { Tokenizer } from '../provider/tokenizer.ts';
import { providerOf } from '../provider-of.ts';
import type { Session } from '../traffic.ts';
import { Losses, type CauseSums } from './losses.ts';
import { reportedUsage, scaledTo } from './reported-usage.ts';

export interface DiagnosisOptions {
  readonly sessions: readonly Session[];
  readonly tokenizer: Tokenizer;
  readonly rulesOf: RulesOf;
  readonly terms: TermsOf;
  readonly price: PriceUsage;
  /** The moment at which the traffic is made to begin, milliseconds since the epoch. */
  readonly startMs: number;
  /** The record's own usage is of the model that is priced, and counts. */
  readonly trustsUsage: boolean;
  readonly onProgress?: (ended: number, calls: number) => void;
}

export interface Diagnosis {
  readonly calls: number;
  readonly conversations: number;
  readonly paidNanos: NanoUsd;
  /** The dearest first. */
  readonly causes: ReadonlyMap<Cause, CauseSums>;
}

/** Who sees the traffic: nobody, only breakpoints, only repairs, or both. */
const worlds = {
  asItCame: { breakpoints: false, order: false, repair: false, affinity: false },
  marked: { breakpoints: true, order: false, repair: false, affinity: false },
  repaired: { breakpoints: false, order: true, repair: true, affinity: false },
  best: { breakpoints: true, order: true, repair: true, affinity: false },
} as const;

type World = keyof typeof worlds;
const worldNames = Object.keys(worlds) as World[];

/**
 * Bills recorded traffic by its provider's rules as it is, with breakpoints, with every fault repaired that can be, and with both, and
 * books the differences: to what broke the prefix what its repair alone would bring, to missing breakpoints the rest. Where nothing is
 * cached without breakpoints a repair alone brings nothing, so there the repair is judged with breakpoints set. What no repair brings
 * back (edited histories, other tools, pauses) is what the provider could have read had it not happened.
 * @throws EconomizerError `ECO_NO_PRICE` where a model has no known price.
 */
export function diagnose(options: DiagnosisOptions): Diagnosis {
  const plan = planCalls(options.sessions, options);
  const patient = new Patient(options);
  const agenda = plan.agenda();
  let ended = 0;
  for (let due = agenda.take(); due !== undefined; due = agenda.take()) {
    const { at, item: call } = due;
    const totalMs = patient.examine(call, at);
    const { next, session } = call;
    if (next !== undefined) {
      agenda.add(session.chained ? Math.max(next.dueAt, at + totalMs) : next.dueAt, next);
    }
    options.onProgress?.(++ended, plan.calls);
  }
  return { calls: plan.calls, ...patient.findings() };
}

/** One patient: all traffic, seen in each world. */
class Patient {
  readonly #options: DiagnosisOptions;
  readonly #cares: ReadonlyMap<World, ContextCare>;
  readonly #brains: ReadonlyMap<World, BillingBrain>;
  readonly #losses = new Losses();
  readonly #threads = new Set<object>();
  #paid: NanoUsd = 0;

  constructor(options: DiagnosisOptions) {
    this.#options = options;
    const { terms } = options;
    const care = (world: World) =>
      new ContextCare({ terms, switches: worlds[world], ...unbounded });
    this.#cares = new Map(worldNames.map((world) => [world, care(world)]));
    this.#brains = new Map(worldNames.map((world) => [world, new BillingBrain(options)]));
  }

  /** @returns how long the call takes, in milliseconds. */
  examine(call: PlannedCall, at: number): number {
    const request = requestOf(call, at);
    const { recorded } = call;
    const reported = this.#options.trustsUsage ? reportedUsage(recorded) : undefined;
    const views = new Map<World, View>();
    let totalMs = 0;
    for (const world of worldNames) {
      const plan = this.#cares.get(world)!.prepare(request);
      const body = bodyOf(plan, recorded.request);
      const bill = this.#brains.get(world)!.bill(arrivalOf(call, body, at));
      if (world === 'asItCame') totalMs = bill.totalMs;
      const usage =
        reported === undefined ? bill.usage : scaledTo(bill.usage, inputTokens(reported));
      const lost = plan && this.#cares.get(world)!.settle(plan, usage, { waited: false }).lost;
      const nanos = priceOf(this.#options.price, recorded, usage, at);
      views.set(world, { plan, usage, nanos, lost });
    }
    this.#book(views, reported, (usage) => priceOf(this.#options.price, recorded, usage, at));
    return totalMs;
  }

  findings(): Omit<Diagnosis, 'calls'> {
    return {
      conversations: this.#threads.size,
      paidNanos: this.#paid,
      causes: this.#losses.finish('no-breakpoint'),
    };
  }

  #book(
    views: ReadonlyMap<World, View>,
    reported: Usage | undefined,
    priced: (usage: Usage) => NanoUsd,
  ): void {
    const [came, marked, repaired, best] = worldNames.map((world) => views.get(world)!);
    const paid = reported === undefined ? came!.nanos : priced(reported);
    this.#paid += paid;
    const { plan } = came!;
    const better = best!.plan;
    if (plan === undefined || better === undefined) return;
    const { thread } = plan;
    this.#threads.add(thread);
    if (reported !== undefined && isEvicted(reported, came!.usage)) {
      const nanos = paid - came!.nanos;
      this.#losses.add({ thread, cause: 'provider-eviction', ...nowhere, nanos });
    }
    const needsMarks = plan.terms?.mode === 'explicit';
    const byRepair = needsMarks ? marked!.nanos - best!.nanos : came!.nanos - repaired!.nanos;
    const byMarks = needsMarks ? came!.nanos - marked!.nanos : repaired!.nanos - best!.nanos;
    this.#bookRepair(plan, better, byRepair);
    if (byMarks !== 0) {
      const cause = isPaused(plan) ? 'ttl-gone' : 'no-breakpoint';
      this.#losses.add({ thread, cause, ...nowhere, nanos: byMarks });
    }
    const left = best!.lost;
    if (left?.nanos === undefined || left.cause === 'no-breakpoint') return;
    // What a repair has yet to learn broke the prefix under the name that it has in what came.
    const culprit = plan.culprit ?? better.culprit;
    const cause = culprit?.cause ?? left.cause;
    this.#losses.add({ thread, cause, culprit, repair: [], nanos: left.nanos });
  }

  #bookRepair({ thread, culprit }: CarePlan, better: CarePlan, nanos: NanoUsd): void {
    if (culprit === undefined) {
      if (nanos !== 0) this.#losses.wait(thread, nanos);
      return;
    }
    const repair = better.lines.flatMap((line) => [
      `- ${line}`,
      `+ behind the last message: ${line}`,
    ]);
    this.#losses.add({ thread, cause: culprit.cause, culprit, repair, nanos });
  }
}

/** A call in one world. */
interface View {
  readonly plan: CarePlan | undefined;
  readonly usage: Usage;
  readonly nanos: NanoUsd;
  readonly lost: Loss | undefined;
}

const nowhere = { culprit: undefined, repair: [] };

/** Reads below this share of what was expected are an eviction; above it, tokens are counted another way. */
const evictionTolerance = 0.9;

const unbounded = { maxBytes: 1024 * 1024 * 1024, maxThreads: 1_000_000 };

/** The provider read clearly less than its rules promise. */
function isEvicted(reported: Usage, expected: Usage): boolean {
  return reported.cacheRead < expected.cacheRead * evictionTolerance;
}

/** The conversation paused for longer than the provider keeps what was asked of it. */
function isPaused({ before, request }: CarePlan): boolean {
  const [deepest] = before?.held ?? [];
  return deepest !== undefined && request.at >= deepest.expiresAt;
}

function requestOf({ recorded, session }: PlannedCall, at: number): CareRequest {
  const { name, priceId } = providerOf(recorded.model, recorded.dialect);
  return {
    tenant: session.tenant,
    agent: session.agent,
    session: session.session,
    provider: name,
    priceId,
    model: recorded.model,
    dialect: recorded.dialect,
    body: Buffer.from(JSON.stringify(recorded.request)),
    at,
  };
}

function arrivalOf({ recorded, session, answer }: PlannedCall, body: JsonObject, at: number) {
  const { model, dialect } = recorded;
  const provider = providerOf(model, dialect).priceId;
  return { provider, model, dialect, body, scope: session.tenant, at, answer };
}

function bodyOf(plan: CarePlan | undefined, otherwise: JsonObject): JsonObject {
  const parsed = plan && parseJson(plan.body.toString('utf8'));
  return isObject(parsed) ? parsed : otherwise;
}
