import type { Dialect } from '../exchange/dialect.ts';
import { digestOf } from '../kernel/digest.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { duplicateMember, parseStrict } from '../kernel/strict-json.ts';
import { ConversationTable, type Recognised } from './conversations.ts';
import { contextText, formOfBody, keyOf, type KeyContext } from './key.ts';
import { SeenBodies } from './seen-bodies.ts';

export interface RecogniserOptions {
  /** Bodies that nest deeper are refused. */
  readonly depth: number;
  /** Bytes of small bodies kept to recognise their repeats. */
  readonly maxSeenBytes?: number;
  /** Bytes of larger bodies kept to recognise their repeats and their continuations. */
  readonly maxConversationBytes?: number;
}

const mebibyte = 1024 * 1024;
/** From this size on a body is worth placing in a conversation; below, parsing it anew is as cheap. */
const conversationBytes = 4096;

/**
 * Finds facts and key of a request body in the cheapest way that is exact:
 * by its bytes (seen before), by its prefix (the next turn of a conversation seen before), or by parsing all of it.
 */
export class Recogniser {
  readonly #depth: number;
  readonly #contexts = new Map<string, string>();
  readonly #seen: SeenBodies;
  readonly #conversations: ConversationTable;

  constructor(options: RecogniserOptions) {
    this.#depth = options.depth;
    this.#seen = new SeenBodies(options.maxSeenBytes ?? 16 * mebibyte);
    this.#conversations = new ConversationTable(
      options.maxConversationBytes ?? 64 * mebibyte,
      options.depth,
    );
  }

  /** @throws EconomizerError `ECO_BAD_JSON`, `ECO_TOO_DEEP`, `ECO_DUPLICATE_KEY` or `ECO_BAD_FIELD`. */
  recognise(context: KeyContext, dialect: Dialect, body: Buffer): Recognised {
    const contextKey = this.#contextKey(context);
    if (body.length >= conversationBytes && dialect.growing !== undefined) {
      const continued = this.#conversations.find(contextKey, dialect, body);
      return continued ?? this.#parse(contextKey, dialect, body, true);
    }
    const known = this.#seen.find(contextKey, body);
    if (known !== undefined) return known;
    const recognised = this.#parse(contextKey, dialect, body, false);
    this.#seen.keep(contextKey, body, recognised);
    return recognised;
  }

  #parse(context: string, dialect: Dialect, body: Buffer, keep: boolean): Recognised {
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
    const facts = dialect.requestFacts(value);
    if (keep && value === exact) {
      return this.#conversations.begin({ context, dialect, body, value, form, facts });
    }
    return { facts, key: keyOf(context, form) };
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
