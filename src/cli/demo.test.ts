import { expect, it } from 'vitest';
import { startDemo } from './demo.ts';
import { demoText } from './demo-table.ts';

it('sends its workload through a real gateway and finds the savings in the ledger', async () => {
  const demo = await startDemo('0');
  try {
    const summary = await demo.run();
    expect(summary.without.calls).toBe(138);
    expect(summary.with.calls).toBeLessThan(100);
    expect(summary.with.usd).toBeGreaterThan(0);
    expect(summary.saved.by['exact-cache']?.calls).toBeGreaterThan(30);
    expect(summary.saved.by.coalescing?.calls).toBeGreaterThan(10);
    const booked = Object.values(summary.saved.by).reduce((sum, { usd }) => sum + usd, 0);
    expect(booked).toBeCloseTo(summary.without.usd - summary.with.usd, 9);
    expect(demoText(summary, 10)).toMatch(/without Economizer[^\n]* 138 /);
    const models = await fetch(`${demo.url}/v1/models`);
    expect(await models.json()).toMatchObject({
      data: [{ id: 'gpt-5.4' }, { id: 'claude-sonnet-5-5' }],
    });
  } finally {
    await demo.close();
  }
}, 20_000);

it('leaves nothing open when the port cannot be had', async () => {
  await expect(startDemo('abc')).rejects.toThrow(/port/);
});
