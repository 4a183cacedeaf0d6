import { defaults } from './defaults.ts';
import { choiceOr, count, duration, flag, section, size, texts } from './fields.ts';

const { fit } = defaults;
const most = 100_000_000;

/** Fitting of conversations. Off unless switched on: it changes what the model reads. */
export const fitSchema = section(
  'Fitting of long conversations: parts of a history are left out where that pays or a model’s window demands it. The same parts stay out for as long as the conversation goes on.',
  {
    enabled: flag('Whether histories are fitted.', false),
    token_budget: count(
      'Input tokens beyond which an edit is considered. It is made only if it pays, by the model’s prices and the calls still expected.',
      fit.tokenBudget,
      { min: 0, max: most },
    ),
    keep_recent: count('The newest messages, which are never edited.', fit.keepRecent, {
      min: 2,
      max: 100_000,
    }),
    remove: choiceOr(
      'When whole turns may be removed, the least relevant first, beside leaving out old tool results: never, where a window or a price cliff demands it, or also where it merely pays.',
      ['never', 'needed', 'paying'],
      'needed',
    ),
    window_percent: count(
      'The percentage of a model’s window that a request may fill, its answer included.',
      fit.windowPercent,
      { min: 10, max: 100 },
    ),
    window: count(
      'Input tokens that a model takes of which no price list says it; 0: not known, so such a window is not looked after.',
      0,
      { min: 0, max: most },
    ),
    pins: texts('A message that holds one of these texts is never edited.').default([]),
    minify: flag(
      'Send JSON in tool results without its white space, from the first time on.',
      true,
    ),
    refer: flag(
      'Send a reference in place of a tool result that the conversation holds already, word for word.',
      true,
    ),
    cap_characters: count(
      'Cap tool results of more characters, with a handle by which the model can ask for the rest; 0: never.',
      0,
      { min: 0, max: most },
    ),
    remember: duration('How long a conversation is remembered after its last call.', fit.remember, {
      min: 1000,
    }),
    max_bytes: size('Memory for conversations; those that pause are compressed.', fit.maxBytes, {
      min: 1_048_576,
    }),
  },
);
