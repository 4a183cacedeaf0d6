import type { Config } from './config.ts';
import type { Finding } from './fault.ts';

/** A call that is refused before anybody was warned of it helps nobody to find out why. */
export function runawayOrder({ runaway }: Config): readonly Finding[] {
  const { warnAfter, refuseAfter } = runaway;
  if (refuseAfter === undefined || (warnAfter !== undefined && refuseAfter >= warnAfter)) return [];
  const problem =
    warnAfter === undefined
      ? 'must be 0 where runaway.warn_after is 0, since nothing is looked for then'
      : `must not be below runaway.warn_after (${warnAfter})`;
  return [{ path: ['runaway', 'refuse_after'], problem }];
}

/** Stand-ins at providers that there are not, and models that stand in for themselves. */
export function cheaperModels({ protection, providers }: Config): readonly Finding[] {
  const names = providers.map(({ name }) => name);
  return protection.cheaperModels.map.flatMap(({ from, to, provider }, index): Finding[] => {
    const path = ['protection', 'cheaper_models', 'map', index];
    const found: Finding[] = [];
    if (provider !== undefined && !names.includes(provider)) {
      const problem = `must name one of the providers: ${names.join(', ')}`;
      found.push({ path: [...path, 'provider'], problem });
    }
    if (from === to) {
      found.push({ path: [...path, 'to'], problem: 'must be another model than `from`' });
    }
    return found;
  });
}

/** The same receiver twice would hear everything twice. */
export function alertReceivers({ alerts }: Config): readonly Finding[] {
  const twice = (urls: readonly string[], path: (index: number) => Finding['path']): Finding[] =>
    urls.flatMap((url, index) =>
      urls.indexOf(url) < index ? [{ path: path(index), problem: 'is given twice; keep one' }] : [],
    );
  const urls = alerts.webhooks.map(({ url }) => url);
  return [
    ...twice(urls, (index) => ['alerts', 'webhooks', index, 'url']),
    ...twice(alerts.slack, (index) => ['alerts', 'slack', index]),
  ];
}

/** Percentages for budgets that there are not would wait for ever. */
export function alertBudgets({ alerts, budgets }: Config): readonly Finding[] {
  const ids = budgets.map(({ id }) => id);
  return Object.keys(alerts.budgets)
    .filter((id) => !ids.includes(id))
    .map((id) => ({
      path: ['alerts', 'budgets', id],
      problem:
        ids.length === 0
          ? 'must name a budget, and there is none; add it under budgets'
          : `must name one of the budgets: ${ids.join(', ')}`,
      aboutName: true,
    }));
}
