import { count, duration, flag, section, size } from './fields.ts';
import { defaults } from './defaults.ts';

/** Care for the provider's prompt cache. Everything that edits requests is off unless switched on. */
export const careSchema = section(
  'Care for the provider’s prompt cache. What is forwarded is the caller’s own bytes unless a switch here says otherwise.',
  {
    doctor: flag(
      'Whether each request is compared with the one before it, and what broken prefixes cost is booked. Edits nothing.',
      true,
    ),
    breakpoints: flag(
      'Set the provider’s breakpoints where it pays and the caller set none.',
      false,
    ),
    order: flag(
      'Send tools in the order of their names, and tools and messages spelled as they were first seen.',
      false,
    ),
    repair: flag(
      'Move lines of the system prompt that change from call to call (times, ids) behind everything else. Alters the prompt.',
      false,
    ),
    affinity: flag('Set OpenAI’s `prompt_cache_key` where the caller set none.', false),
    fan_out: flag(
      'Let parallel calls with the same cold prefix wait for the first one’s first token, where that saves more than it costs.',
      false,
    ),
    fan_out_wait: duration('The longest such wait.', defaults.care.fanOutWait, {
      min: 1,
      max: 60_000,
    }),
    keep_warm: flag(
      'Read a prefix again just before the provider would forget it, as long as the expected gain is positive. Makes calls of its own.',
      false,
    ),
    keep_warm_per_session: count(
      'Such calls for one conversation between two of its own.',
      defaults.care.keepWarmPerSession,
      { min: 1, max: 1000 },
    ),
    keep_warm_per_day: count('Such calls in a day.', defaults.care.keepWarmPerDay, {
      min: 1,
      max: 1_000_000,
    }),
    max_bytes: size('Memory for the last request of each conversation.', defaults.care.maxBytes, {
      min: 1_048_576,
    }),
  },
);
