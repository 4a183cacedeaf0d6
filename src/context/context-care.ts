import { ownBytes } from '../exchange/stream.ts';
import type { Usage } from '../exchange/usage.ts';
import { BoundedMap } from '../kernel/bounded-map.ts';
import type { CarePlan, CareRequest } from './care-plan.ts';
import { alive, beforeOf, judge, judgeBeginning, type Judgement } from './care/judgement.ts';
import { leave, untouched } from './care/leave.ts';
import { markForm, type MarkForm } from './care/mark-form.ts';
import { formOf, type Form } from './care/normalise.ts';
import { withStableTexts, withStableTools, type Stabilised } from './care/stabilise.ts';
import { soundnessOf, type Unsound } from './care/soundness.ts';
import { StableTools } from './care/stable-tools.ts';
import { Wagers } from './care/wagers.ts';
import { newTally, type Habits } from './habits.ts';
import { promptBytes, regionOf } from './layout.ts';
import { settle, type Settlement } from './settlement.ts';
import { roleAt, staticPart, type StaticPart, type StaticUse } from './static-part.ts';
import type { CacheTerms, CareSwitches, TermsOf } from './terms.ts';
import { ThreadTable } from './thread-table.ts';
import { firstTurn } from './thread-key.ts';
import type { Thread } from './thread.ts';

const mebibyte = 1024 * 1024;
/** Mixed text and JSON; replaced by what the provider counts as soon as it has counted. */
const usualTokensPerByte = 0.27;
/** Hardly a text has more tokens a byte than this ... */
const mostTokensPerByte = 0.5;
/** ... nor an agent's so many times more than it had before. */
const denser = 1.3;
/** How long a provider's refusal of an edit is remembered. */
const distrustMs = 3_600_000;
const nothing: CareSwitches = { breakpoints: false, order: false, repair: false, affinity: false };

/**
 * Doctor and care of prompt prefixes: compares each request with the one before it in its conversation, names what broke the prefix, and
 * edits the request so that the provider keeps and finds it, as far as that is switched on and pays.
 */
export class ContextCare {
  readonly #terms: TermsOf;
  readonly #switches: CareSwitches;
  readonly #isEditing: boolean;
  readonly #threads: ThreadTable;
  readonly #tools = new StableTools();
  readonly #wagers: Wagers;
  readonly #distrusted = new BoundedMap<number>(1000);

  constructor(options: {
    readonly terms: TermsOf;
    readonly switches: CareSwitches;
    /** Parallel calls wait for the first to warm their prefix. */
    readonly waits?: boolean;
    readonly maxBytes?: number;
    readonly maxThreads?: number;
  }) {
    this.#wagers = new Wagers({ waits: options.waits ?? false });
    this.#terms = options.terms;
    this.#switches = options.switches;
    const { breakpoints, order, repair, affinity } = options.switches;
    this.#isEditing = breakpoints || order || repair || affinity;
    this.#threads = new ThreadTable({
      maxBytes: options.maxBytes ?? 64 * mebibyte,
      maxThreads: options.maxThreads ?? 20_000,
    });
  }

  /** What is kept in memory. */
  get kept(): { readonly bytes: number; readonly threads: number } {
    return { bytes: this.#threads.bytes, threads: this.#threads.size };
  }

  /** What is to leave in a request's place; undefined where the request is none that care understands. */
  prepare(request: CareRequest): CarePlan | undefined {
    const { dialect, body, tenant, session } = request;
    const form = markForm(dialect);
    const terms = this.#terms({ ...question(request), inputTokens: 0 });
    const owner = ownerOf(request);
    const habits = this.#wagers.habits(owner);
    // What is too short to be cached needs neither doctor nor care.
    if (terms !== undefined && isTooShort(body, terms, habits)) return undefined;
    const turn = firstTurn(dialect, body);
    if (form === undefined || turn === undefined) return undefined;
    const who = `${tenant}\n${session ?? `\n${request.agent ?? ''}`}`;
    const key = `${who}\n${dialect}\n${turn}`;
    const seen = this.#threads.latest(key);
    const came = formOf(dialect, body, seen);
    if (came === undefined) return undefined;
    const isTrusted = request.at >= (this.#distrusted.get(owner) ?? 0);
    const context = {
      request,
      owner,
      switches: terms === undefined || !isTrusted ? nothing : this.#switches,
      habits,
      markName: form.name,
    };
    const first = withStableTools(came, context, this.#tools);
    const found =
      this.#threads.find(key, first.bare, { body: seen?.body, same: first.bare.same }) ??
      (session === undefined ? undefined : this.#threads.findEdited(who, first.bare));
    const peer = found === undefined ? habits.latest?.deref() : undefined;
    const stable = withStableTexts(first, context, found, peer);
    const judged =
      found === undefined
        ? judgeBeginning(peer, stable.bare)
        : judge(found, stable.bare, stable === first);
    const named = { key, session: session === undefined ? undefined : who };
    return this.#plan({
      ...context,
      form,
      terms,
      stable,
      judged,
      named,
      peer: peer?.staticUse,
    });
  }

  /**
   * Takes note of what the provider counted.
   * @param sent whether the call let another warm its prefix first.
   */
  settle(plan: CarePlan, usage: Usage, sent: { readonly waited: boolean }): Settlement {
    const inputTokens = usage.fresh + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
    const terms = this.#terms({ ...question(plan.request), inputTokens });
    return settle(plan, usage, { terms, waited: sent.waited });
  }

  /** A provider refused what left in a request's place and took what had come: its like is not edited again for a while. */
  distrust({ request }: CarePlan): void {
    this.#distrusted.set(ownerOf(request), request.at + distrustMs);
  }

  #plan(arrival: Arrival): CarePlan {
    const { request, stable, terms, judged, habits } = arrival;
    const { thread: known } = judged.continued ?? {};
    const before = judged.continued && beforeOf(judged.continued);
    const part = known !== undefined && judged.intact ? known.staticPart : staticPart(stable.bare);
    const staticUse =
      terms && part && this.#wagers.useStatic(arrival.owner, part, request.at, terms);
    const isSameHistory = judged.culprit?.cause.startsWith('history') !== true;
    const soundness = this.#isEditing
      ? soundnessOf(request.dialect, stable.bare, isSameHistory ? known?.soundness : undefined)
      : undefined;
    const left = this.#left(arrival, { part, staticUse, before, fault: soundness?.fault });
    const thread = this.#keep(arrival, { staticPart: part, staticUse, soundness }, known);
    habits.latest = new WeakRef(thread);
    if (terms !== undefined) this.#wagers.await(arrival.owner, thread, terms);
    return {
      request,
      ...left,
      client: stable.client,
      lines: stable.lines,
      terms,
      thread,
      call: thread.calls,
      habits,
      staticUse,
      staticPart: part,
      form: stable.bare,
      bytes: promptBytes(stable.bare),
      before,
      peer: arrival.peer,
      intact: judged.intact,
      culprit: judged.culprit,
    };
  }

  #left(arrival: Arrival, found: Found) {
    const { terms, stable, request } = arrival;
    if (terms === undefined) return untouched(stable, 'no-price');
    const left = this.#leave(arrival, terms, found);
    if (found.fault === undefined) return left;
    return { ...untouched(stable, `unsound-${found.fault}`), body: request.body };
  }

  #leave(arrival: Arrival, terms: CacheTerms, found: Found) {
    const { owner, request, stable, judged } = arrival;
    const { at, model } = request;
    const thread = judged.continued?.thread;
    this.#wagers.giveUp(owner, at);
    if (thread !== undefined) {
      this.#wagers.followUp(owner, thread, { at, intact: judged.intact, terms });
    }
    const { staticUse, part, before } = found;
    const wager = this.#wagers.stake({
      owner,
      thread,
      isAgent: thread !== undefined || isAgent(request, stable.bare),
      staticUse,
      terms,
    });
    const held = before === undefined ? [] : alive(before, at, model);
    const isHot = staticUse !== undefined && at < staticUse.hotUntil && part !== undefined;
    return leave({
      ...arrival,
      terms,
      part,
      wager,
      known: isHot ? [...held, part] : held,
      tokensPerByte: arrival.habits.tokensPerByte ?? usualTokensPerByte,
    });
  }

  #keep(
    arrival: Arrival,
    beginning: Pick<Thread, 'staticPart' | 'staticUse' | 'soundness'>,
    known: Thread | undefined,
  ): Thread {
    const { stable, request, named } = arrival;
    const { at, provider, model } = request;
    const sent = { at, provider, model, answered: false, warmedAt: undefined };
    const { body, spans, layout, cuts } = stable.bare;
    const { marks } = stable.client;
    const kept = { body: ownBytes(body), spans, layout, cuts, marks };
    const now = { ...kept, ...beginning, ...sent };
    if (known !== undefined) {
      this.#threads.update(known, () => {
        Object.assign(known, now);
        known.calls++;
      });
      return known;
    }
    const thread: Thread = {
      ...now,
      ...named,
      calls: 1,
      tokens: 0,
      held: [],
      tally: newTally(),
      isGivenUp: false,
    };
    this.#threads.add(thread);
    return thread;
  }
}

interface Found {
  readonly part: StaticPart | undefined;
  readonly staticUse: StaticUse | undefined;
  readonly before: CarePlan['before'];
  /** Why the history is not edited. */
  readonly fault: Unsound | undefined;
}

interface Arrival {
  readonly request: CareRequest;
  readonly owner: string;
  readonly switches: CareSwitches;
  readonly habits: Habits;
  readonly form: MarkForm;
  readonly terms: CacheTerms | undefined;
  readonly stable: Stabilised;
  readonly judged: Judgement;
  readonly named: Pick<Thread, 'key' | 'session'>;
  readonly peer: StaticUse | undefined;
}

function isTooShort(body: Buffer, { minTokens }: CacheTerms, { tokensPerByte }: Habits): boolean {
  const most = tokensPerByte === undefined ? mostTokensPerByte : tokensPerByte * denser;
  return body.length * most < minTokens;
}

function ownerOf({ tenant, agent, priceId, model }: CareRequest): string {
  return `${tenant}\n${agent ?? ''}\n${priceId}\n${model}`;
}

function question({ priceId, model, at }: CareRequest) {
  return { provider: priceId, model, at };
}

/** With a name, with tools or in the middle of a conversation; a lone question is asked by nobody who is known to go on. */
function isAgent({ session }: CareRequest, { body, layout }: Form): boolean {
  if (session !== undefined || regionOf(layout, 'tools') !== undefined) return true;
  const { items } = regionOf(layout, 'messages')!;
  return items.some((item) => roleAt(body, item.start) === 'assistant');
}
