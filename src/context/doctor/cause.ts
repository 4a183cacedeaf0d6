/** Why tokens were paid for that the provider's prompt cache could have read, in people's words. */
export const causes = {
  'timestamp-in-system': 'a date or time in the system prompt',
  'id-in-system': 'an id or a counter in the system prompt',
  'system-edited': 'the system prompt was edited',
  'tools-reordered': 'the same tools came in another order',
  'tools-reserialised': 'the same tools were written in another way (order of keys)',
  'tool-set-changed': 'tools were added, removed or described differently',
  'history-reserialised': 'earlier messages were written in another way (order of keys)',
  'history-edited': 'earlier messages were edited or removed',
  'model-switched': 'the session went to another model',
  'provider-switched': 'the session went to another provider',
  'ttl-gone': 'the session paused for longer than the provider keeps a prefix',
  'no-breakpoint': 'no breakpoint asked the provider to keep the prefix',
  'provider-eviction': 'the provider should have had the prefix and did not read it',
} as const;

export type Cause = keyof typeof causes;

/** What broke a prefix, and where. */
export interface Culprit {
  readonly cause: Cause;
  /** Such as `system, line 3` or `tools[4] search`. */
  readonly place: string;
  /** The difference, short; for people. */
  readonly example: string;
}
