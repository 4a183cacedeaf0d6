import { AsyncLocalStorage } from 'node:async_hooks';
import { EconomizerError } from '../../kernel/errors.ts';
import type { Signals } from '../../kernel/signals.ts';
import { functionTerms, type FunctionTerms, type ToolPolicy } from './function-policy.ts';
import { normalArguments } from './normal-arguments.ts';
import type { ToolCache, ToolCaller, ToolQuestion, ToolRun } from './tool-cache.ts';
import { packResult } from './tool-result.ts';
import { partOf, type ToolWrites } from './touched.ts';

/** On whose behalf tools are called. */
export interface ToolIdentity {
  readonly user?: string;
  readonly tenant?: string;
  readonly agent?: string;
  readonly session?: string;
}

export interface FunctionToolsOptions {
  readonly cache: ToolCache;
  readonly writes: ToolWrites;
  readonly signals: Signals;
  /** Resolves when what other gateways purged is known. */
  readonly ready: Promise<unknown> | undefined;
}

/** Any function whose result may be awaited. */
export type AnyFunction = (...values: never[]) => unknown;
/** The same function, awaited. */
export type CachedTool<Original extends AnyFunction> = (
  ...values: Parameters<Original>
) => Promise<Awaited<ReturnType<Original>>>;

const usualTenant = 'default';
/** What all functions are invalidated by together. */
const everyFunction = 'tool:*';
/** Things told once; a program that makes names up must not fill memory. */
const toldMax = 1000;

/** Functions as tools whose results are kept. */
export class FunctionTools {
  readonly #options: FunctionToolsOptions;
  readonly #identity = new AsyncLocalStorage<ToolIdentity>();
  readonly #names = new Set<string>();
  readonly #told = new Set<string>();

  constructor(options: FunctionToolsOptions) {
    this.#options = options;
  }

  /** Everything that `act` calls, however deep and late, is called on behalf of `identity`. */
  runAs<Value>(identity: ToolIdentity, act: () => Value): Value {
    return this.#identity.run({ ...this.#identity.getStore(), ...identity }, act);
  }

  /** @throws EconomizerError `ECO_CONFIG` for a policy that cannot be, or a name that another function has. */
  wrap<Original extends AnyFunction>(original: Original, policy: ToolPolicy): CachedTool<Original> {
    const { ttlMs, maxAnswerBytes } = this.#options.cache.policy;
    const terms = functionTerms(policy, { ttlMs, maxBytes: maxAnswerBytes });
    if (this.#names.has(terms.name)) throw nameTaken(terms.name);
    this.#names.add(terms.name);
    const run = this.#call.bind(this, terms);
    type Result = Awaited<ReturnType<Original>>;
    return async function cached(this: unknown, ...values: Parameters<Original>): Promise<Result> {
      const call = async (): Promise<Result> => (await original.apply(this, values)) as Result;
      return run(values, call) as Promise<Result>;
    };
  }

  async #call<Result>(
    terms: FunctionTerms,
    values: readonly unknown[],
    call: () => Promise<Result>,
  ): Promise<Result> {
    await this.#options.ready;
    if (terms.invalidates.length === 0) {
      return terms.readOnly ? this.#read(terms, values, call) : call();
    }
    const tags = touchedBy(terms, this.#identity.getStore());
    // A reading function that invalidates others may change things in passing: its own results go by its own name.
    const act = terms.readOnly ? () => this.#read(terms, values, call) : call;
    return this.#options.writes.during(act, tags);
  }

  async #read<Result>(
    terms: FunctionTerms,
    values: readonly unknown[],
    call: () => Promise<Result>,
  ): Promise<Result> {
    if (this.#options.writes.busy && terms.invalidates.length === 0) return call();
    const question = this.#question(terms, values);
    if (question === undefined) return call();
    const given = await this.#options.cache.ask(question, async (): Promise<ToolRun<Result>> => {
      const value = await call();
      const { packed, fault } = packResult(value);
      if (fault !== undefined) this.#tellOnce(terms.name, `its result holds ${fault}`);
      const isSmall = packed !== undefined && packed.bytes.byteLength <= terms.maxBytes;
      const keep = isSmall ? { key: question.keys[0]!, ttlMs: terms.ttlMs } : undefined;
      return { value, packed, keep };
    });
    return given.value;
  }

  #question(terms: FunctionTerms, values: readonly unknown[]): ToolQuestion | undefined {
    const { name, version, scope, ttlMs, priceNanos } = terms;
    const { user, tenant = usualTenant, agent, session } = this.#identity.getStore() ?? {};
    if (scope.kind === 'user' && user === undefined) {
      this.#tellOnce(name, 'nobody said whose call it is: use runAs({ user }), or another scope');
      return undefined;
    }
    const normal = normalArguments(terms.context ? values.slice(0, 1) : values, terms.arguments);
    if (normal.fault !== undefined) {
      this.#tellOnce(name, `an argument holds ${normal.fault}`);
      return undefined;
    }
    const caller: ToolCaller = { tenant, user, agent, session };
    const circle = circleOf(terms, caller);
    const key = this.#options.cache.key(['function', name, version, ...circle, normal.text]);
    const tags = [`tool:${name}`, everyFunction];
    if (user !== undefined) tags.push(ownOf(user));
    return { path: `tool:${name}`, caller, keys: [key], ttlMs, tags, priceNanos };
  }

  /** A call that could not be kept is no failure, but somebody meant it to be kept. */
  #tellOnce(name: string, why: string): void {
    const text = `Calls of the tool ${name} are not kept: ${why}.`;
    if (this.#told.has(text) || this.#told.size >= toldMax) return;
    this.#told.add(text);
    this.#options.signals.emit('notice', { text });
  }
}

function touchedBy({ invalidates }: FunctionTerms, identity: ToolIdentity | undefined) {
  const user = identity?.user;
  // Without a name nobody knows whose the own results are.
  if (invalidates === 'all' || (invalidates === 'own' && user === undefined))
    return [everyFunction];
  return invalidates === 'own' ? [ownOf(user!)] : invalidates.map((name) => `tool:${name}`);
}

/** A tag for all that one user got, and perhaps some others. */
function ownOf(user: string): string {
  return `${everyFunction}:${partOf(user)}`;
}

/** Who shares results, as parts of the key. */
function circleOf({ scope }: FunctionTerms, { tenant, user }: ToolCaller): readonly string[] {
  if (scope.kind === 'shared') return ['shared', scope.name];
  return scope.kind === 'tenant' ? ['tenant', tenant] : ['user', tenant, user!];
}

function nameTaken(name: string): EconomizerError {
  return new EconomizerError(
    'ECO_CONFIG',
    `Give each tool a name of its own: there is one named ${name}, and results are kept by name.`,
    { param: 'name' },
  );
}
