import type { Dialect } from '../../exchange/dialect.ts';
import type { Bytes } from '../../exchange/stream.ts';
import { CanonicalForm } from '../../kernel/canonical.ts';
import { digestOf } from '../../kernel/digest.ts';
import { isObject, parseJson, type JsonValue } from '../../kernel/json.ts';

const conversationsMax = 10_000;

/** Which answers are kept of each conversation: those to its latest calls, since nobody asks again what was asked twenty turns ago. */
export class ConversationAnswers {
  readonly #keys = new Map<string, string[]>();

  /** Takes note of an answer. @returns the keys of the answers that are one too many now. */
  kept(conversation: string, key: string, limit: number): readonly string[] {
    const keys = this.#keys.get(conversation) ?? [];
    this.#keys.delete(conversation);
    const others = keys.filter((each) => each !== key);
    others.push(key);
    const over = others.splice(0, Math.max(0, others.length - limit));
    this.#keys.set(conversation, others);
    if (this.#keys.size > conversationsMax) {
      for (const oldest of this.#keys.keys()) {
        this.#keys.delete(oldest);
        break;
      }
    }
    return over;
  }
}

/** A name for the conversation that a body belongs to where its caller gives none: how it began. Undefined where it is no conversation. */
export function beginningOf(dialect: Dialect, body: Bytes): string | undefined {
  const parsed = parseJson(Buffer.from(body).toString('utf8'));
  if (dialect.growing === undefined || !isObject(parsed)) return undefined;
  const list = parsed[dialect.growing];
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const canonical = new CanonicalForm();
  const items = list as readonly JsonValue[];
  // Up to the first thing that the user said; before it stands what all conversations of an agent have in common.
  const first = items.findIndex((item) => isObject(item) && item['role'] === 'user');
  return digestOf(canonical.of(items.slice(0, first + 1 || 1)));
}
