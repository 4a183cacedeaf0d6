import type { EditClass } from './gate/plan.ts';

/** How a class of edits has done: what the gate expected of it and what the bills said. */
export interface ClassRecord {
  readonly batches: number;
  /** Nano-dollars. */
  readonly predicted: number;
  readonly realised: number;
  readonly isOff: boolean;
}

/** So many batches must be over before a class is judged. */
const leastBatches = 5;
/** Older batches count for less and less, so that a change of prices shows. */
const memory = 0.95;
/** After so long a class that was switched off gets another chance, in milliseconds. */
const retryMs = 24 * 3_600_000;

interface Running {
  batches: number;
  predicted: number;
  realised: number;
  offAt: number | undefined;
}

/**
 * Judges classes of edits by what they really saved. A class that loses money switches itself off. Edits for a window have no choice
 * and are never switched off.
 */
export class Success {
  readonly #classes = new Map<EditClass, Running>();
  readonly #onSwitch: (edits: EditClass, isOff: boolean) => void;

  constructor(onSwitch: (edits: EditClass, isOff: boolean) => void) {
    this.#onSwitch = onSwitch;
  }

  allows(edits: EditClass, now: number): boolean {
    const known = this.#classes.get(edits);
    if (known?.offAt === undefined) return true;
    if (now < known.offAt + retryMs) return false;
    this.#classes.delete(edits);
    this.#onSwitch(edits, false);
    return true;
  }

  /** A batch of edits is over, since its conversation is. Nano-dollars. */
  judge(edits: EditClass, predicted: number, realised: number, now: number): void {
    const known = this.#classes.get(edits) ?? {
      batches: 0,
      predicted: 0,
      realised: 0,
      offAt: undefined,
    };
    this.#classes.set(edits, known);
    known.batches++;
    known.predicted = known.predicted * memory + predicted;
    known.realised = known.realised * memory + realised;
    const loses = known.batches >= leastBatches && known.realised < 0;
    if (edits === 'window' || !loses || known.offAt !== undefined) return;
    known.offAt = now;
    this.#onSwitch(edits, true);
  }

  records(): ReadonlyMap<EditClass, ClassRecord> {
    const records = new Map<EditClass, ClassRecord>();
    for (const [edits, { offAt, ...sums }] of this.#classes) {
      records.set(edits, { ...sums, isOff: offAt !== undefined });
    }
    return records;
  }
}
