import { describe, expect, it } from 'vitest';
import { faultText } from './fault.ts';
import { configOf } from './load.ts';
import { secretsOf } from './secrets.ts';
import { readConfig } from './read.ts';

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

function faults(config: object): string[] {
  const text = JSON.stringify(config);
  return readConfig({ text, environment: {} }).faults.map(faultText);
}

describe('protection, alerts and runaway in the configuration', () => {
  it('has the ladder of the product, switched off, and warns of loops', () => {
    const { protection, alerts, runaway } = configOf({});
    expect(protection.enabled).toBe(false);
    expect(protection.levels.map(({ at }) => at)).toEqual([0.8, 0.9, 0.95, 1]);
    expect(protection.margin).toBe(0.02);
    expect(alerts.thresholds).toEqual([0.5, 0.8, 0.9, 1]);
    expect(runaway).toEqual({ warnAfter: 5, refuseAfter: undefined, callsPerSession: undefined });
  });

  it('takes levels, thresholds and receivers', () => {
    const config = configOf({
      budgets: [{ id: 'a', period: 'daily', limit_usd: 1 }],
      protection: { enabled: true, levels: [{ at: 62.5, actions: ['cache-more'] }] },
      alerts: {
        budgets: { a: [99, 10, 10] },
        webhooks: [{ url: 'https://x.test/hook', secret }],
        slack: ['https://hooks.slack.test/T/B/very-secret'],
      },
    });
    expect(config.protection.levels).toEqual([{ at: 0.625, actions: ['cache-more'] }]);
    expect(config.alerts.budgets).toEqual({ a: [0.1, 0.99] });
    expect(secretsOf(config)).toEqual(
      expect.arrayContaining([secret, 'https://hooks.slack.test/T/B/very-secret']),
    );
  });

  it.each([
    [{ protection: { levels: [{ at: 0, actions: ['cache-more'] }] } }, 'protection.levels[0].at'],
    [{ protection: { levels: [{ at: 101, actions: ['cache-more'] }] } }, 'from 1 to 100'],
    [{ protection: { levels: [{ at: 80, actions: ['sleep'] }] } }, 'must be one of: cache-more'],
    [{ protection: { levels: [{ at: 80, actions: [] }] } }, 'at least one action'],
    [
      {
        protection: {
          levels: [
            { at: 90, actions: ['defer'] },
            { at: 80, actions: ['cache-more'] },
          ],
        },
      },
      'protection.levels[1].at must be more than that of the level before it (90)',
    ],
    [{ protection: { margin_percent: 0 } }, 'protection.margin_percent'],
    [
      { protection: { cheaper_models: { map: [{ from: 'a', to: 'b', provider: 'nobody' }] } } },
      'must name one of the providers',
    ],
    [{ protection: { cheaper_models: { map: [{ from: 'a', to: 'a' }] } } }, 'another model'],
    [{ protection: { essential: { agent: ['a'] } } }, 'did you mean agents?'],
    [{ runaway: { warn_after: 5, refuse_after: 4 } }, 'must not be below runaway.warn_after (5)'],
    [{ runaway: { warn_after: 0, refuse_after: 4 } }, 'must be 0 where runaway.warn_after is 0'],
    [{ alerts: { thresholds: [0] } }, 'alerts.thresholds[0]'],
    [{ alerts: { budgets: { gone: [50] } } }, 'alerts.budgets.gone must name a budget'],
    [{ alerts: { webhooks: [{ url: 'ftp://x', secret }] } }, 'begins with http'],
    [
      { alerts: { webhooks: [{ url: 'https://x.test', secret: 'whsec_short' }] } },
      '24 to 64 bytes',
    ],
    [{ alerts: { slack: ['https://x.test', 'https://x.test'] } }, 'alerts.slack[1] is given twice'],
  ])('finds the fault in %j', (config, says) => {
    expect(faults(config).join('\n')).toContain(says);
  });

  it('shows no secret in a fault', () => {
    const text = faults({
      alerts: {
        slack: ['hooks.slack.test/very-secret'],
        webhooks: [{ url: 'x.test/very-secret', secret: 'whsec_very-secret' }],
      },
    }).join('\n');
    expect(text).toContain('alerts.slack[0]');
    expect(text).not.toContain('very-secret');
  });
});
