import { EconomizerError } from '../kernel/errors.ts';
import { isObject, type JsonObject } from '../kernel/json.ts';
import type { FakeAnswer } from '../testing/fake-answer.ts';
import type { FakeCall } from '../testing/fake-call.ts';
import { parrot } from '../testing/fake-answer.ts';
import type { DemoCall, DemoLane } from './demo-call.ts';

/** What the simulated model says: the workload's own answers, and to anything else what a parrot would. */
export function demoAnswers(lanes: readonly DemoLane[]): (call: FakeCall) => FakeAnswer {
  const answers = new Map<string, FakeAnswer>();
  for (const { body, answer } of lanes.flat(2)) answers.set(questionIn(body), answer);
  return (call) => {
    const known = isObject(call.json) ? answers.get(questionIn(call.json)) : undefined;
    return known ?? parrot(call);
  };
}

function questionIn(body: JsonObject): string {
  return JSON.stringify([body['model'], body['system'], body['messages']]);
}

/**
 * Sends the workload to a gateway as its agents would: all lanes at once, the steps of each one after another.
 * @throws EconomizerError `ECO_INTERNAL` if a call fails.
 */
export async function sendWorkload(lanes: readonly DemoLane[], gatewayUrl: string): Promise<void> {
  await Promise.all(
    lanes.map(async (lane) => {
      for (const step of lane) await Promise.all(step.map((call) => send(call, gatewayUrl)));
    }),
  );
}

async function send(call: DemoCall, gatewayUrl: string): Promise<void> {
  const response = await fetch(`${gatewayUrl}${call.path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-economizer-agent': call.agent,
      'x-economizer-session': call.session,
      ...(call.path === '/v1/messages' && { 'anthropic-version': '2023-06-01' }),
    },
    body: JSON.stringify(call.body),
  });
  const text = await response.text();
  if (response.ok) return;
  throw new EconomizerError(
    'ECO_INTERNAL',
    `A call of the demo failed (${response.status}): ${text}`,
  );
}
