import { ContextCare } from '../../src/context/context-care.ts';
import type { CareRequest } from '../../src/context/care-plan.ts';
import { noUsage } from '../../src/exchange/usage.ts';
import { pricedCacheRules } from '../../src/ledger/cache-terms.ts';
import { createPriceBook } from '../../src/ledger/price-book.ts';

/** CPU that care costs a call, in microseconds. */
export interface Overhead {
  readonly what: string;
  readonly bodyKB: number;
  /** Half of the calls take no longer, on the wall clock. */
  readonly p50: number;
  /** CPU of the process over the calls, collection of garbage included. */
  readonly cpu: number;
}

const conversations = 60;
const messages = 100;
const messageBytes = 1_900;

/** The turn after the one seen before: a request of 100 messages and 200 KB whose prefix is known. */
export function measureOverhead(): Overhead[] {
  const shapes = ['openai-chat', 'anthropic-messages', 'anthropic-messages, marked'] as const;
  return shapes.flatMap((shape) =>
    (['doctor only', 'all care'] as const).map((mode) => measure(shape, mode)),
  );
}

const rounds = 10;

function measure(shape: string, mode: 'doctor only' | 'all care'): Overhead {
  const isAnthropic = shape.startsWith('anthropic');
  const turnsOf = (count: number): CareRequest[] =>
    Array.from({ length: conversations }, (_, session) =>
      request(shape, isAnthropic, session, count),
    );
  const earlier = [...turnsOf(messages - 4), ...turnsOf(messages - 2)];
  const timed = turnsOf(messages);
  const times: number[] = [];
  let cpuUs = 0;
  // The first rounds warm the code up and are not counted.
  for (let round = -3; round < rounds; round++) {
    const care = newCare(mode === 'all care');
    for (const each of earlier) pass(care, each);
    const cpu = process.cpuUsage();
    for (const each of timed) {
      const start = performance.now();
      pass(care, each);
      if (round >= 0) times.push((performance.now() - start) * 1000);
    }
    const { user, system } = process.cpuUsage(cpu);
    if (round >= 0) cpuUs += user + system;
  }
  times.sort((one, other) => one - other);
  return {
    what: `${shape}, ${mode}`,
    bodyKB: Math.round(timed[0]!.body.length / 1000),
    p50: Math.round(times[times.length >> 1]!),
    cpu: Math.round(cpuUs / times.length),
  };
}

function newCare(on: boolean): ContextCare {
  const book = createPriceBook();
  return new ContextCare({
    terms: (question) => pricedCacheRules(book, question),
    switches: { breakpoints: on, order: on, repair: on, affinity: on },
  });
}

function pass(care: ContextCare, turn: CareRequest): void {
  const plan = care.prepare(turn)!;
  care.settle(plan, { ...noUsage, fresh: turn.body.length >> 2, output: 10 }, { waited: false });
}

function request(shape: string, isAnthropic: boolean, session: number, count: number): CareRequest {
  const turns = Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `Turn ${index} of ${session}: ${text(index * 31 + session)}`,
  }));
  const tools = Array.from({ length: 16 }, (_, index) => tool(index, isAnthropic));
  const system = `You are agent ${session % 3}. ${text(7)}`;
  const model = isAnthropic ? 'claude-sonnet-5-5' : 'gpt-6.1-sol';
  const mark = shape.endsWith('marked') ? { cache_control: { type: 'ephemeral' } } : {};
  const last = turns.at(-2)!;
  const marked = turns.map((turn) =>
    turn === last && shape.endsWith('marked')
      ? { ...turn, content: [{ type: 'text', text: turn.content, ...mark }] }
      : turn,
  );
  const body = isAnthropic
    ? { model, system: [{ type: 'text', text: system, ...mark }], tools, messages: marked }
    : { model, messages: [{ role: 'system', content: system }, ...turns], tools };
  return {
    tenant: 'default',
    agent: 'bench',
    session: undefined,
    provider: isAnthropic ? 'anthropic' : 'openai',
    priceId: isAnthropic ? 'anthropic' : 'openai',
    model,
    dialect: isAnthropic ? 'anthropic-messages' : 'openai-chat',
    body: Buffer.from(JSON.stringify(body)),
    at: Date.UTC(2026, 10, 25) + count * 1000,
  };
}

function tool(index: number, isAnthropic: boolean): object {
  const schema = {
    type: 'object',
    properties: { path: { type: 'string', description: text(index).slice(0, 200) } },
    required: ['path'],
  };
  const name = `tool_${String(index).padStart(2, '0')}`;
  const description = text(index + 100).slice(0, 300);
  return isAnthropic
    ? { name, description, input_schema: schema }
    : { type: 'function', function: { name, description, parameters: schema } };
}

/** Text with quotes and line feeds in it, as code and JSON have. */
function text(seed: number): string {
  let made = '';
  for (let word = 0; made.length < messageBytes; word++) {
    made += `word${(seed * 7919 + word * 104_729) % 9973}${word % 9 === 8 ? '\n' : ' '}`;
    if (word % 40 === 39) made += '"quoted" ';
  }
  return made;
}
