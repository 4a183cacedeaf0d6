import { Fitter, type FitRequest, type FitterOptions } from '../../src/context/fitting/fitter.ts';
import type { Economics } from '../../src/context/fitting/gate/economics.ts';
import { TokenMeter } from '../../src/context/fitting/token-meter.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { SimulatedClock } from '../../src/kernel/simulated-clock.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { FittedDialect } from './histories.ts';

/** Reads at half the price of input, writes at the same: edits pay soon. */
export const halfPrice: Economics = {
  base: { fresh: 2_000_000, read: 1_000_000, write: 2_000_000, output: 8_000_000 },
  cliffs: [],
  ttlMs: 300_000,
  asks: false,
  window: undefined,
};

/** A fitter with a clock to move and signals to hear; a token is four characters. */
export async function newFitter(given: Partial<FitterOptions> = {}) {
  const clock = new SimulatedClock();
  const signals = new Signals();
  const notices: string[] = [];
  signals.on('notice', ({ text }) => notices.push(text));
  const fitter = new Fitter({
    policy: { tokenBudget: 500, keepRecent: 4, remove: 'paying' },
    firstSend: { minify: true, refer: true, capCharacters: undefined },
    windowShare: 1,
    pins: [],
    limits: { rememberMs: 1_800_000, maxBytes: 16_000_000 },
    meter: new TokenMeter(() => Promise.resolve((text) => Math.ceil(text.length / 4))),
    economics: () => halfPrice,
    clock,
    signals,
    ...given,
  });
  await fitter.ready();
  let calls = 0;
  const request = (
    dialect: FittedDialect,
    value: JsonObject,
    more: Partial<FitRequest> = {},
  ): FitRequest => ({
    callId: `call-${calls++}`,
    scope: 'tenant',
    agent: 'agent',
    session: undefined,
    dialect,
    provider: 'openai',
    model: 'model',
    serviceTier: undefined,
    body: Buffer.from(JSON.stringify(value)),
    ...more,
  });
  return { fitter, clock, signals, notices, request };
}
