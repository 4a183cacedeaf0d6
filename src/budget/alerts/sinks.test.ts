import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { SimulatedClock } from '../../kernel/simulated-clock.ts';
import { forecastOf } from '../forecast.ts';
import { sampleStanding } from '../sample-standing.ts';
import { alertOf } from './alert.ts';
import type { OutgoingMessage } from './outgoing.ts';
import { keyOf, signedHeaders } from './signature.ts';
import { slackSink, webhookSink } from './sinks.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const clock = new SimulatedClock();

function alert(value?: string) {
  const standing = sampleStanding(9.5, { value });
  return alertOf(standing, 0.9, forecastOf(standing, undefined, clock.now() + 3_600_000));
}

function outgoing(status = 200) {
  const sent: OutgoingMessage[] = [];
  return {
    sent,
    post(message: OutgoingMessage) {
      sent.push(message);
      return Promise.resolve(status);
    },
  };
}

test('signs as Standard Webhooks have it: the vector of their own libraries', () => {
  const body = '{"test": 2432232314}';
  const at = 1_614_265_330_000;
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
  expect(signedHeaders({ id, at, body }, [keyOf(secret)!])).toEqual({
    'webhook-id': id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('two secrets sign side by side while one is being changed', () => {
  const headers = signedHeaders({ id: 'a', at: 0, body: '' }, [
    Buffer.alloc(32, 1),
    Buffer.alloc(32, 2),
  ]);
  expect(headers['webhook-signature']!.split(' ')).toHaveLength(2);
});

test.each([
  '',
  'whsec_',
  'whsec_c2hvcnQ=',
  'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'whsec_not base64!',
])('%j is no secret', (text) => expect(keyOf(text)).toBeUndefined());

test('a webhook gets the facts, signed over the very bytes it gets', async () => {
  const out = outgoing();
  await webhookSink({
    url: 'https://example.test/hook',
    keys: [keyOf(secret)!],
    outgoing: out,
    clock,
  }).deliver(alert());
  const [message] = out.sent;
  const {
    'webhook-id': id,
    'webhook-timestamp': time,
    'webhook-signature': signature,
  } = message!.headers;
  const expected = createHmac('sha256', keyOf(secret)!)
    .update(`${id}.${time}.${message!.body}`)
    .digest('base64');
  expect(signature).toBe(`v1,${expected}`);
  expect(JSON.parse(message!.body)).toMatchObject({
    type: 'budget.threshold',
    data: {
      budget: 'daily',
      threshold: 0.9,
      spent_usd: 9.5,
      limit_usd: 10,
      resets_at: '2026-01-02T00:00:00.000Z',
      forecast: { unsure: true },
    },
  });
});

test('two attempts of two replicas carry the same id', () => {
  expect(alert().id).toBe(alert().id);
  expect(alert().id).toMatch(/^msg_[\w-]{27}$/);
});

test('Slack gets text and blocks, in which a name cannot call the channel', async () => {
  const out = outgoing();
  await slackSink({ url: 'https://hooks.slack.test/T0/B0/x', outgoing: out }).deliver(
    alert('<!channel> & co'),
  );
  const body = JSON.parse(out.sent[0]!.body) as { text: string; blocks: { type: string }[] };
  expect(body.text).toContain('for &lt;!channel&gt; &amp; co has reached 90 %');
  expect(body.blocks.map(({ type }) => type)).toEqual(['header', 'section', 'context']);
});

test('a status that is no success is a failure; 410 is the end', async () => {
  const sink = (status: number) =>
    slackSink({ url: 'https://hooks.slack.test/x', outgoing: outgoing(status) });
  await expect(sink(500).deliver(alert())).rejects.toMatchObject({ code: 'ECO_ALERT' });
  await expect(sink(302).deliver(alert())).rejects.toMatchObject({ code: 'ECO_ALERT' });
  expect(await sink(410).deliver(alert())).toBe('gone');
});

test('a sink’s name tells nothing of its address', () => {
  const { name } = slackSink({
    url: 'https://hooks.slack.test/T0/B0/secret',
    outgoing: outgoing(),
  });
  expect(name).not.toContain('secret');
});
