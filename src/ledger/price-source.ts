import type { ModelPrice } from './model-price.ts';

/** A price and when it holds; `at` is wall time in milliseconds since the epoch. */
export interface DatedPrice {
  holds(at: number): boolean;
  readonly price: ModelPrice;
}
