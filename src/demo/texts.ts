import type { Random } from '../kernel/random.ts';

const subjects = [
  'A return',
  'A refund',
  'An exchange',
  'A late delivery',
  'A damaged parcel',
  'A gift',
];
const conditions = [
  'within 30 days of purchase',
  'after 30 days but within the warranty',
  'paid by voucher',
  'ordered by a business customer',
  'sent abroad',
  'that was opened before',
];
const duties = [
  'check the order number first and read it back to the customer',
  'offer a replacement before you offer money',
  'ask for a photograph where the value is above 50 euros',
  'name the day by which the customer will hear from us',
  'never promise an amount before the lookup tool has confirmed it',
];

/** The rules of an invented shop, long enough to be worth a provider's prompt cache (some 1,500 tokens). */
export function handbook(role: string): string {
  const rules = subjects.flatMap((subject) =>
    conditions.map(
      (condition, index) =>
        `${subject} ${condition}: ${duties[(subject.length + index) % duties.length]}, and ${duties[(subject.length + index + 2) % duties.length]}.`,
    ),
  );
  return [`You are ${role} of Lantern & Oak, an invented shop for lamps.`, ...rules].join('\n');
}

export const faq: readonly (readonly [question: string, answer: string])[] = [
  [
    'What are your opening hours?',
    'We are here on weekdays from nine to six, and on Saturdays until two.',
  ],
  [
    'How long does delivery take?',
    'Two to four working days within the country, up to eight abroad.',
  ],
  ['Can I return an opened lamp?', 'Yes, within 30 days, as long as all its parts are in the box.'],
  [
    'Do you repair old lamps?',
    'We rewire most lamps that are younger than sixty years; send us a photograph first.',
  ],
  [
    'Which bulb fits the Harbour lamp?',
    'An E27 bulb of at most 60 watts; a warm white LED of 8 watts looks best.',
  ],
  ['Do you ship to islands?', 'Yes, to all islands with a ferry; add two days to the usual time.'],
  [
    'May I pay by invoice?',
    'Business customers may; private customers pay by card or on delivery.',
  ],
  [
    'How do I clean a brass shade?',
    'With a dry soft cloth; polish takes off the lacquer that protects it.',
  ],
];

/** One of `items`, by chance. */
export function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[Math.floor(random.next() * items.length)]!;
}
