import type { Usage } from '../exchange/usage.ts';
import { EconomizerError } from '../kernel/errors.ts';
import type { NanoUsd } from '../kernel/money.ts';
import type { PriceUsage } from '../pipeline/accountant.ts';
import { providerOf } from './provider-of.ts';
import type { RecordedCall } from './recorded.ts';

/**
 * What a usage costs on the model of a recorded call.
 * @throws EconomizerError `ECO_NO_PRICE` where the price is not known: a replay without prices proves nothing.
 */
export function priceOf(price: PriceUsage, call: RecordedCall, usage: Usage, at: number): NanoUsd {
  const provider = providerOf(call.model, call.dialect).priceId;
  const nanos = price({ provider, model: call.model, serviceTier: undefined, at, usage });
  if (nanos !== undefined) return nanos;
  throw new EconomizerError(
    'ECO_NO_PRICE',
    `The price of the model "${call.model}" is not known. Give --model MODEL to price the traffic as another model, or add a price for it to the configuration.`,
  );
}
