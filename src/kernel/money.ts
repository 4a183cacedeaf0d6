/**
 * Money is a whole number of nano-dollars (1e-9 USD) in a plain number: exact up to nine million dollars.
 * Prices are whole pico-dollars a token (1e-12 USD), which is micro-dollars per million tokens, so that
 * the cheapest published price (fractions of a cent per million) is still exact. A cost is rounded once, at its end.
 */
export type NanoUsd = number;
export type PicoUsdPerToken = number;

const NANO_PER_USD = 1e9;

/** Whole nano-dollars of a sum of pico-dollars, halves away from zero. */
export function nanoFromPico(pico: number): NanoUsd {
  return Math.sign(pico) * Math.round(Math.abs(pico) / 1000);
}

/** Dollars as a float, for display only. */
export function usd(nano: NanoUsd): number {
  return nano / NANO_PER_USD;
}

/** Dollars as decimal text without exponent or rounding, such as `0.000054399`; what headers carry. */
export function usdText(nano: NanoUsd): string {
  const sign = nano < 0 ? '-' : '';
  const digits = String(Math.abs(nano)).padStart(10, '0');
  const fraction = digits.slice(-9).replace(/0+$/, '');
  return `${sign}${digits.slice(0, -9)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Nano-dollars of decimal text such as `0.5` or `12`; undefined where it is none, or has more than nine decimals: nothing is rounded. */
export function parseUsd(text: string): NanoUsd | undefined {
  const match = /^(\d{1,7})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const nano = Number(match[1]) * NANO_PER_USD + Number((match[2] ?? '').padEnd(9, '0'));
  return Number.isSafeInteger(nano) ? nano : undefined;
}
