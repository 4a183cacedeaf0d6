import type { Random } from '../kernel/random.ts';
import type { DemoCall, DemoLane } from './demo-call.ts';
import { faq, handbook, pick } from './texts.ts';

/** Agents that read the same page at the same moment. */
const readers = 8;

/** Customers of a help page: few questions, asked again and again, every third of them by a page that streams. */
export function faqLane(questions: number, random: Random): DemoLane {
  const system = handbook('the help page');
  return Array.from({ length: questions }, (_, index): DemoCall[] => {
    const [question, text] = pick(faq, random);
    const body = {
      model: 'gpt-5.4',
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: question },
      ],
      ...(index % 3 === 0 && { stream: true }),
    };
    const session = `visitor-${index + 1}`;
    return [{ path: '/v1/chat/completions', agent: 'help-page', session, body, answer: { text } }];
  });
}

/** An evaluation that runs a second time, over the same cases. */
export function evaluationLane(cases: number): DemoLane {
  const system = handbook('the examiner');
  const round = (): DemoCall[][] =>
    Array.from({ length: cases }, (_, index): DemoCall[] => {
      const body = {
        model: 'claude-sonnet-5-5',
        max_tokens: 256,
        temperature: 0,
        system,
        messages: [
          {
            role: 'user',
            content: `Grade answer ${index + 1}: "Keep the receipt for ${index + 2} years."`,
          },
        ],
      };
      const answer = { text: `Grade ${(index % 5) + 1}: the rule is named, its reason is not.` };
      return [{ path: '/v1/messages', agent: 'evaluation', session: 'nightly', body, answer }];
    });
  return [...round(), ...round()];
}

/** Agents that are sent to the same page at once, as a fan-out of sub-agents does. */
export function fanOutLane(page: number): DemoLane {
  const text =
    `Page ${page} of the catalogue: the Harbour lamp, brass, 42 cm, E27, 89 euros. `.repeat(60);
  const body = {
    model: 'gpt-5.4',
    stream: page % 2 === 0,
    messages: [{ role: 'user', content: `Summarise for a buyer:\n${text}` }],
  };
  const answer = { text: 'One lamp, the Harbour: brass, 42 cm high, E27 socket, 89 euros.' };
  const step = Array.from({ length: readers }, (_, reader): DemoCall => {
    const session = `reader-${page}-${reader + 1}`;
    return { path: '/v1/chat/completions', agent: 'fan-out', session, body, answer };
  });
  return [step];
}
