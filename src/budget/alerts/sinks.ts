import type { Clock } from '../../kernel/clock.ts';
import { digestOf } from '../../kernel/digest.ts';
import { EconomizerError } from '../../kernel/errors.ts';
import { usd } from '../../kernel/money.ts';
import type { Signals } from '../../kernel/signals.ts';
import type { Alert, AlertSink } from './alert.ts';
import type { Outgoing } from './outgoing.ts';
import { signedHeaders } from './signature.ts';

const timeoutMs = 10_000;

/** The house's own ears: the log and whoever else listens to its signals. */
export function signalSink(signals: Signals): AlertSink {
  return {
    name: 'log',
    deliver({ standing, threshold, text }) {
      const { budget, value, window } = standing;
      signals.emit('budget-alert', {
        budget: budget.id,
        value,
        window: window.name,
        threshold,
        text,
      });
    },
  };
}

export interface WebhookOptions {
  readonly url: string;
  /** The first signs; a second one as well, while the secret is being changed. */
  readonly keys: readonly Buffer[];
  readonly outgoing: Outgoing;
  readonly clock: Clock;
}

/** A signed message to any receiver, in the form of Standard Webhooks. */
export function webhookSink({ url, keys, outgoing, clock }: WebhookOptions): AlertSink {
  return {
    name: nameOf('webhook', url),
    async deliver(alert) {
      const at = clock.now();
      const body = JSON.stringify(payloadOf(alert, at));
      const headers = {
        'content-type': 'application/json',
        ...signedHeaders({ id: alert.id, at, body }, keys),
      };
      const status = await outgoing.post({ url, headers, body, timeoutMs });
      // The standard's word for an endpoint that is no more.
      return status === 410 ? 'gone' : arrived(status, 'webhook');
    },
  };
}

/** A message to Slack, or whatever takes its incoming webhooks. The address is the secret. */
export function slackSink({ url, outgoing }: Pick<WebhookOptions, 'url' | 'outgoing'>): AlertSink {
  return {
    name: nameOf('slack', url),
    async deliver(alert) {
      const body = JSON.stringify(slackPayload(alert));
      const headers = { 'content-type': 'application/json' };
      const status = await outgoing.post({ url, headers, body, timeoutMs });
      return status === 410 ? 'gone' : arrived(status, 'Slack');
    },
  };
}

/** An address may hold a secret, so a sink is named by its hash. */
function nameOf(kind: string, url: string): string {
  return `${kind}-${digestOf(url).slice(0, 10)}`;
}

function arrived(status: number, receiver: string): void {
  if (status >= 200 && status < 300) return;
  throw new EconomizerError(
    'ECO_ALERT',
    `The ${receiver} that an alert was sent to answered with status ${status}; check its address under "alerts".`,
  );
}

/** What a webhook brings; times as ISO 8601 in UTC, money in US dollars. */
function payloadOf({ standing, threshold, forecast, text }: Alert, at: number): object {
  const { budget, value, window, spent, held } = standing;
  return {
    type: 'budget.threshold',
    timestamp: new Date(at).toISOString(),
    data: {
      budget: budget.id,
      value: value ?? null,
      scope: budget.scope,
      period: budget.period,
      window: window.name,
      threshold,
      spent_usd: usd(spent),
      held_usd: usd(held),
      limit_usd: usd(budget.limit),
      hard: budget.hard,
      resets_at: window.endsAt === undefined ? null : new Date(window.endsAt).toISOString(),
      forecast: {
        exhausted_at:
          forecast.exhaustedAt === undefined
            ? null
            : new Date(Math.min(forecast.exhaustedAt, 8.64e15)).toISOString(),
        unsure: forecast.unsure,
      },
      text,
    },
  };
}

function slackPayload({ standing, threshold, forecast, text }: Alert): object {
  const { budget, spent } = standing;
  const share = `${Math.round(threshold * 100)} %`;
  const facts = `*Limit* $${usd(budget.limit)}   *Spent* $${usd(spent)}   *Forecast* ${forecast.unsure ? 'unsure' : 'from the last hours'}`;
  return {
    text: escaped(text),
    blocks: [
      {
        type: 'header',
        text: { type: 'plain_text', text: `Budget ${budget.id}: ${share}`.slice(0, 150) },
      },
      { type: 'section', text: { type: 'mrkdwn', text: escaped(text).slice(0, 3000) } },
      { type: 'context', elements: [{ type: 'mrkdwn', text: escaped(facts) }] },
    ],
  };
}

/** Names come from callers and must not become Slack's own notation (`<!channel>`). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
