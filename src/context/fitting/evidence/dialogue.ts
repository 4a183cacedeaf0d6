/** A long conversation with questions about it, each with the messages that hold its answer. */
export interface Dialogue {
  readonly messages: readonly DialogueMessage[];
  readonly questions: readonly DialogueQuestion[];
}

export interface DialogueMessage {
  readonly id: string;
  readonly role: string;
  readonly text: string;
  readonly session: string | number | undefined;
  readonly tokens: number;
}

export interface DialogueQuestion {
  readonly text: string;
  /** Ids of messages; at least one. */
  readonly evidence: readonly string[];
}

/** Chooses what to keep of a dialogue for one question: indexes of messages, within a budget of tokens. */
export type KeepFor = (question: string, budget: number) => readonly number[];

/** A policy, made ready for one dialogue. */
export type KeepPolicy = (dialogue: Dialogue) => KeepFor;
