import { crc32 } from 'node:zlib';
import type { Dialect, RequestFacts } from '../exchange/dialect.ts';
import { noSteps, type ToolSteps } from '../exchange/tool-steps.ts';
import { firstSpend } from '../exchange/spend.ts';
import { digestOf } from '../kernel/digest.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { duplicateMember, parseStrict } from '../kernel/strict-json.ts';
import { ConversationTable, type ReadSteps } from './conversations.ts';
import { emptyChain, extendChain } from './item-chain.ts';
import { contextText, formOfBody, keyOf, type BodyForm, type KeyContext } from './key.ts';
import { MetBefore } from './met-before.ts';
import { SeenBodies } from './seen-bodies.ts';
import type { Recognised } from './stretch.ts';

export interface RecogniserOptions {
  /** Bodies that nest deeper are refused. */
  readonly depth: number;
  /** Bytes of small bodies kept to recognise their repeats. */
  readonly maxSeenBytes?: number;
  /** Bytes of larger bodies kept to recognise their repeats and their continuations. */
  readonly maxConversationBytes?: number;
  /** Default: tool calls are not looked at. */
  readonly readSteps?: ReadSteps;
  /** Read what decides how much a request can cost. Default: false. */
  readonly spend?: boolean;
}

interface Parsed {
  readonly form: BodyForm;
  readonly facts: RequestFacts;
  readonly value: JsonObject | undefined;
}

const mebibyte = 1024 * 1024;
/** From this size on a body is looked for among conversations; below, parsing it anew is as cheap. */
const conversationBytes = 1024;
/** The bytes by which a conversation is found; agents differ in their first messages at the latest. */
const beginningBytes = 1024;
/** From this size on a body is kept at once; a smaller one when another begins like it. */
const keptAtOnceBytes = 16 * 1024;

/**
 * Finds facts and key of a request body in the cheapest way that is exact:
 * by its bytes (seen before), by its prefix (the next turn of a conversation seen before), or by parsing all of it.
 */
export class Recogniser {
  readonly #depth: number;
  readonly #contexts = new Map<string, string>();
  readonly #seen: SeenBodies;
  readonly #conversations: ConversationTable;
  readonly #readSteps: ReadSteps;
  readonly #met = new MetBefore();
  readonly #spend: boolean;

  constructor(options: RecogniserOptions) {
    this.#depth = options.depth;
    this.#readSteps = options.readSteps ?? (() => noSteps);
    this.#spend = options.spend ?? false;
    this.#seen = new SeenBodies(options.maxSeenBytes ?? 16 * mebibyte);
    this.#conversations = new ConversationTable(
      options.maxConversationBytes ?? 64 * mebibyte,
      options.depth,
      this.#readSteps,
    );
  }

  /** @throws EconomizerError `ECO_BAD_JSON`, `ECO_TOO_DEEP`, `ECO_DUPLICATE_KEY` or `ECO_BAD_FIELD`. */
  recognise(context: KeyContext, dialect: Dialect, body: Buffer): Recognised {
    const contextKey = this.#contextKey(context);
    return dialect.growing === undefined || body.length < conversationBytes
      ? this.#recogniseSmall(contextKey, dialect, body)
      : this.#recogniseTurn(contextKey, dialect, body);
  }

  #recogniseSmall(context: string, dialect: Dialect, body: Buffer): Recognised {
    const checksum = crc32(body);
    const known = this.#seen.find(checksum, context, body);
    if (known !== undefined) return known;
    const { form, facts, value } = this.#parse(dialect, body);
    const key = keyOf(context, form.rest, extendChain(emptyChain, form.items));
    const steps = this.#stepsOf(dialect, value);
    const recognised = { facts, key, steps, count: form.items.length };
    if (this.#met.test(checksum)) this.#seen.keep(checksum, context, body, recognised);
    return recognised;
  }

  #recogniseTurn(context: string, dialect: Dialect, body: Buffer): Recognised {
    const checksum = crc32(body.subarray(0, beginningBytes));
    const bucket = context + checksum;
    const known = this.#conversations.find(bucket, context, dialect, body);
    if (known !== undefined) return known;
    const { form, facts, value } = this.#parse(dialect, body);
    const isWorthKeeping = body.length >= keptAtOnceBytes || this.#met.test(checksum);
    if (isWorthKeeping && value !== undefined) {
      return this.#conversations.begin({ bucket, context, dialect, body, value, form, facts });
    }
    const key = keyOf(context, form.rest, extendChain(emptyChain, form.items));
    return { facts, key, steps: this.#stepsOf(dialect, value), count: form.items.length };
  }

  #stepsOf({ name, growing }: Dialect, value: JsonObject | undefined): ToolSteps {
    const list = growing === undefined ? undefined : value?.[growing];
    return Array.isArray(list)
      ? this.#readSteps(noSteps, name, list as readonly JsonValue[])
      : noSteps;
  }

  /** `value` is undefined where the body has numbers that only its text holds. */
  #parse(dialect: Dialect, body: Buffer): Parsed {
    const { value, exact, scan } = parseStrict(body, this.#depth);
    const form = formOfBody(exact, dialect.growing, dialect.inert);
    if (form.members !== scan.members) {
      const member = duplicateMember(body);
      throw new EconomizerError(
        'ECO_DUPLICATE_KEY',
        `The body names the member "${member}" twice; which of the two counts is not defined, so send it once.`,
        { param: member },
      );
    }
    const facts = this.#factsOf(dialect, value, body);
    return { form, facts, value: value === exact ? value : undefined };
  }

  #factsOf(dialect: Dialect, value: JsonObject, body: Buffer): RequestFacts {
    const facts = dialect.requestFacts(value);
    if (!this.#spend) return facts;
    return { ...facts, spend: firstSpend(dialect.spendTerms(value), body.length) };
  }

  /** Contexts are few and long: each gets a digest once. */
  #contextKey(context: KeyContext): string {
    const { scope, provider, dialect, path, variant } = context;
    const name = `${scope}\n${provider}\n${dialect}\n${path}\n${variant}`;
    let digest = this.#contexts.get(name);
    if (digest === undefined) {
      if (this.#contexts.size >= 10_000) this.#contexts.clear();
      digest = digestOf(contextText(context));
      this.#contexts.set(name, digest);
    }
    return digest;
  }
}
