import type { JsonObject } from '../kernel/json.ts';
import type { FakeAnswer } from '../testing/fake-answer.ts';

/** One request of the sample workload, and what the simulated model answers to it. */
export interface DemoCall {
  readonly path: '/v1/chat/completions' | '/v1/messages';
  readonly agent: string;
  readonly session: string;
  readonly body: JsonObject;
  readonly answer: FakeAnswer;
}

/** What one agent does: steps one after another; the calls of a step at the same moment. */
export type DemoLane = readonly (readonly DemoCall[])[];
