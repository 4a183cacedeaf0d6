import type { Dialogue, KeepPolicy } from './dialogue.ts';

/** How much of the evidence a policy keeps; shares from 0 to 1. */
export interface EvidenceRecall {
  readonly questions: number;
  /** Of a question's evidence, the share that is kept; the mean over the questions. */
  readonly recall: number;
  /** The share of questions that keep all of theirs. */
  readonly allEvidence: number;
}

/** Sums up dialogue by dialogue, so that a file of any length is read in passing. */
export class RecallTally {
  readonly #policy: KeepPolicy;
  readonly #budget: number;
  #questions = 0;
  #recalled = 0;
  #whole = 0;

  constructor(policy: KeepPolicy, budget: number) {
    this.#policy = policy;
    this.#budget = budget;
  }

  add(dialogue: Dialogue): void {
    const keep = this.#policy(dialogue);
    for (const { text, evidence } of dialogue.questions) {
      const kept = new Set(keep(text, this.#budget).map((index) => dialogue.messages[index]!.id));
      const found = evidence.filter((id) => kept.has(id)).length;
      this.#questions++;
      this.#recalled += found / evidence.length;
      if (found === evidence.length) this.#whole++;
    }
  }

  result(): EvidenceRecall {
    const share = (sum: number): number => (this.#questions === 0 ? 0 : sum / this.#questions);
    return {
      questions: this.#questions,
      recall: share(this.#recalled),
      allEvidence: share(this.#whole),
    };
  }
}
