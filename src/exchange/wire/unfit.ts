/** Why an answer is not kept for others, in the order in which they are told where several hold. */
export const unfitReasons = {
  error: 'It is an error, or a stream that turned into one.',
  incomplete: 'It broke off before its end.',
  filtered: "The provider's content filter cut it.",
  refused: 'The model declined; another time it may not.',
  'tool-state': 'It waits for, or names, state that the provider keeps.',
  citations: 'It quotes pages that were fetched for it and that change.',
  inexact: 'It holds whole numbers beyond 2^53, which would lose digits in another form.',
  unfamiliar: 'Its stream had parts that we cannot put together.',
} as const;

export type UnfitReason = keyof typeof unfitReasons;

const order = Object.keys(unfitReasons) as UnfitReason[];

/** The weightiest of `reasons`. */
export function worst(reasons: ReadonlySet<UnfitReason>): UnfitReason | undefined {
  return reasons.size === 0 ? undefined : order.find((reason) => reasons.has(reason));
}
