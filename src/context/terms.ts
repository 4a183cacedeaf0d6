import type { PicoUsdPerToken } from '../kernel/money.ts';

/** How a model's provider caches prompts and what it asks for it: what decides whether an edit pays. */
export interface CacheTerms {
  /** `explicit`: up to the marks of the request; `automatic`: without being asked. */
  readonly mode: 'automatic' | 'explicit' | 'none';
  /** A prefix with fewer tokens is not cached, silently. */
  readonly minTokens: number;
  /** How long an unused prefix stays, in milliseconds. */
  readonly ttlMs: number;
  /** The longer time that a request may ask for. */
  readonly ttlLongMs: number | undefined;
  /** Marks that one request may carry; undefined where marks mean nothing. */
  readonly maxBreakpoints: number | undefined;
  readonly rates: {
    readonly fresh: PicoUsdPerToken;
    readonly read: PicoUsdPerToken;
    readonly write: PicoUsdPerToken;
    readonly writeLong: PicoUsdPerToken;
  };
}

/** Undefined where the price or a multiplier is not published: then nothing is edited. */
export type TermsOf = (question: {
  readonly provider: string;
  readonly model: string;
  /** Wall time, milliseconds since the epoch. */
  readonly at: number;
  /** Decides between the rates of short and long requests. */
  readonly inputTokens: number;
}) => CacheTerms | undefined;

/** What may be done to requests. */
export interface CareSwitches {
  readonly breakpoints: boolean;
  readonly order: boolean;
  readonly repair: boolean;
  readonly affinity: boolean;
}
