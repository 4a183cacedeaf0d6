/** What looking for loops adds to recognising the next turn of a conversation of some 200 KB, in microseconds a turn. */
import { performance } from 'node:perf_hooks';
import { Recogniser } from '../../src/cache/recognise.ts';
import { extendSteps } from '../../src/exchange/tool-steps.ts';
import { openAiChat } from '../../src/exchange/wire/openai-chat.ts';
import { loopIn } from '../../src/budget/runaway/loops.ts';

const context = {
  secret: 's',
  scope: 't',
  provider: 'p',
  dialect: 'openai-chat',
  path: '/',
  variant: '',
};
const turns = 100;

/** Bodies of one conversation, each the one before and a turn of about 2 KB. */
function bodies(name: string): Buffer[] {
  const messages: object[] = [{ role: 'user', content: name }];
  return Array.from({ length: turns }, (_, index) => {
    const id = `c${index}`;
    const call = {
      id,
      type: 'function',
      function: { name: 'read', arguments: `{"line":${index}}` },
    };
    messages.push(
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: id, content: `${index} `.repeat(600) },
    );
    return Buffer.from(JSON.stringify({ model: 'm', messages }));
  });
}

function microsecondsATurn(looks: boolean, conversations: readonly Buffer[][]): number {
  const recogniser = new Recogniser({ depth: 64, ...(looks ? { readSteps: extendSteps } : {}) });
  let spent = 0;
  for (const conversation of conversations) {
    for (const [index, body] of conversation.entries()) {
      const began = performance.now();
      const { steps } = recogniser.recognise(context, openAiChat, body);
      if (looks) loopIn(steps, 5);
      // The last turns, at some 150 to 200 KB.
      if (index >= 0.75 * turns) spent += performance.now() - began;
    }
  }
  return (1000 * spent) / (conversations.length * turns * 0.25);
}

const conversations = Array.from({ length: 20 }, (_, index) => bodies(`conversation ${index}`));
const rounds = Array.from({ length: 9 }, () => [
  microsecondsATurn(false, conversations),
  microsecondsATurn(true, conversations),
]);
const median = (at: 0 | 1): number =>
  rounds.map((round) => round[at]!).toSorted((one, other) => one - other)[4]!;
console.log(
  `A turn of ${(conversations[0]!.at(-1)!.length / 1000).toFixed(0)} KB is recognised in ${median(0).toFixed(1)} us, with a look for loops in ${median(1).toFixed(1)} us (medians of ${rounds.length}).`,
);
