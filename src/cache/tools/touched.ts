import { digestOf } from '../../kernel/digest.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { PurgeWatch } from '../invalidation/purge-watch.ts';
import { everyTenant } from '../invalidation/purge-table.ts';

/** The part of the table of purges that calls which change things need. */
export type ToolPurges = Pick<PurgeWatch, 'add'>;

/**
 * The part of an open set of names that this one falls in: `0` to `255`. Finer, the table of purges, which keeps some thousand lines, would fold
 * them together itself.
 */
export function partOf(name: string): string {
  return String(Buffer.from(digestOf(name), 'base64url')[0]);
}

export interface ToolWritesOptions {
  readonly purges: ToolPurges;
  readonly clock: Clock;
  readonly signals: Signals;
}

const retryMs = 1000;

/**
 * Calls that change things. As long as there is one under way, or one of which the table of purges does not know yet, what is kept may be of before
 * it or after it, so nothing kept is served.
 */
export class ToolWrites {
  readonly #options: ToolWritesOptions;
  readonly #owed = new Set<string>();
  #underWay = 0;
  #triedAt = -Infinity;

  constructor(options: ToolWritesOptions) {
    this.#options = options;
  }

  get busy(): boolean {
    if (this.#owed.size > 0 && this.#options.clock.tick() - this.#triedAt >= retryMs)
      void this.#pay();
    return this.#underWay > 0 || this.#owed.size > 0;
  }

  /** Makes the call; what lies under these tags is invalidated before anybody hears how it ended. */
  async during<Value>(act: () => Promise<Value>, tags: readonly string[]): Promise<Value> {
    this.#underWay++;
    try {
      return await act();
    } finally {
      await this.invalidate(tags);
      this.#underWay--;
    }
  }

  /**
   * Nothing kept under these tags is served from the moment that this is called, by this process, and by others as soon as they hear; what is
   * under way is not kept. Never rejects.
   */
  async invalidate(tags: readonly string[]): Promise<void> {
    for (const tag of tags) this.#owed.add(tag);
    await this.#pay();
  }

  async #pay(): Promise<void> {
    const { purges, clock, signals } = this.#options;
    const tags = [...this.#owed];
    if (tags.length === 0) return;
    this.#triedAt = clock.tick();
    const order = { tenant: everyTenant, soft: false, before: undefined };
    try {
      await purges.add(tags.map((tag) => ({ ...order, selector: `tag:${tag}` })));
      for (const tag of tags) this.#owed.delete(tag);
    } catch (error) {
      // They stay owed: nothing kept is served until the table has them.
      signals.emit('part-failed', { part: 'cache.tools', operation: 'invalidate', error });
    }
  }
}
