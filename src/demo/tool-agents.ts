import type { JsonObject } from '../kernel/json.ts';
import type { Random } from '../kernel/random.ts';
import type { DemoCall, DemoLane } from './demo-call.ts';
import { faq, handbook, pick } from './texts.ts';

const turns = 3;

const orderParameters = {
  type: 'object',
  properties: { order: { type: 'string', description: 'Number of the order, such as L-1042.' } },
  required: ['order'],
};

/** A support agent in OpenAI's dialect: each turn looks an order up with a tool and then answers; every second conversation streams. */
export function supportLane(number: number, random: Random): DemoLane {
  const tool = { name: 'find_order', description: 'Finds an order.', parameters: orderParameters };
  const messages: JsonObject[] = [{ role: 'system', content: handbook('the support agent') }];
  const steps: DemoCall[][] = [];
  const say = (answer: DemoCall['answer']): void => {
    const body = {
      model: 'gpt-5.4',
      messages: messages.slice(),
      tools: [{ type: 'function', function: tool }],
      ...(number % 2 === 0 && { stream: true }),
    };
    const session = `support-${number}`;
    steps.push([{ path: '/v1/chat/completions', agent: 'support', session, body, answer }]);
  };
  for (let turn = 1; turn <= turns; turn++) {
    const order = `L-${1000 + Math.floor(random.next() * 9000)}`;
    const [question] = pick(faq, random);
    messages.push({ role: 'user', content: `About my order ${order}: ${question}` });
    say({ toolCalls: [{ name: tool.name, arguments: { order } }] });
    const call = { name: tool.name, arguments: JSON.stringify({ order }) };
    const id = `call_${number}_${turn}`;
    const found = JSON.stringify({ order, lamp: 'Harbour', paid: true, shipped: turn > 1 });
    messages.push(
      { role: 'assistant', content: null, tool_calls: [{ id, type: 'function', function: call }] },
      { role: 'tool', tool_call_id: id, content: found },
    );
    const text = `Order ${order} is paid${turn > 1 ? ' and on its way' : ''}. You will hear from us by Friday.`;
    say({ text });
    messages.push({ role: 'assistant', content: text });
  }
  return steps;
}

/** A research agent in Anthropic's dialect that marks what the provider may cache, and streams. */
export function researchLane(number: number): DemoLane {
  const tools = [
    {
      name: 'read_page',
      description: 'Reads a page.',
      input_schema: { type: 'object', properties: { url: { type: 'string' } } },
    },
  ];
  const marked = { cache_control: { type: 'ephemeral' } };
  const messages: JsonObject[] = [
    { role: 'user', content: `Collect what is known about lamp makers of region ${number}.` },
  ];
  const steps: DemoCall[][] = [];
  for (let turn = 1; turn <= turns * 2; turn++) {
    const body = {
      model: 'claude-sonnet-5-5',
      max_tokens: 1024,
      stream: true,
      system: [{ type: 'text', text: handbook('the research agent'), ...marked }],
      tools,
      ...marked,
      messages: messages.slice(),
    };
    const url = `https://lamps.example/region/${number}/page/${turn}`;
    const text = `Page ${turn} next.`;
    const answer = { text, toolCalls: [{ name: 'read_page', arguments: { url } }] };
    const session = `research-${number}`;
    steps.push([{ path: '/v1/messages', agent: 'research', session, body, answer }]);
    const id = `toolu_${number}_${turn}`;
    const page =
      `Workshop ${number}.${turn}: founded in ${1880 + turn * 7}, known for brass. `.repeat(12);
    messages.push(
      {
        role: 'assistant',
        content: [
          { type: 'text', text },
          { type: 'tool_use', id, name: 'read_page', input: { url } },
        ],
      },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: page }] },
    );
  }
  return steps;
}
