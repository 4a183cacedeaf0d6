import { setTimeout as delay } from 'node:timers/promises';
import { chat, send } from '../e2e/harness.ts';
import type { GatewayProcess } from './gateway-process.ts';

/** What became of one call. */
interface Ending {
  readonly question: string;
  /** Undefined: no answer came. */
  readonly status: number | undefined;
  readonly id: string | undefined;
  readonly isWhole: boolean;
  /** Milliseconds. */
  readonly took: number;
  /** When it began, as `performance.now()` says. */
  readonly began: number;
}

const caps = [60, 100, 200];
const pauseMs = 200;

/**
 * Many callers at the same time, each with one streaming call after the other, as agents do. They spread over the gateways, go to the next where
 * one does not answer, and give up when they were refused so many times in a row.
 * @param word begins the questions of this load.
 */
export async function load(
  gateways: readonly GatewayProcess[],
  options: {
    readonly callers: number;
    readonly refusals?: number;
    /** Of each caller; default: as many as go. */
    readonly calls?: number;
    readonly word?: string;
  },
): Promise<readonly Ending[]> {
  const { callers, refusals = 5, calls = Infinity, word = 'call' } = options;
  const endings: Ending[] = [];
  const caller = async (lane: number): Promise<void> => {
    let refused = 0;
    let place = lane;
    for (let count = 0; refused < refusals && count < calls; count++) {
      const question = `${word} ${lane}.${count}`;
      const ending = await ask(gateways[place % gateways.length]!, question, caps[count % 3]!);
      endings.push(ending);
      if (ending.status === undefined) place++;
      refused = ending.status === 200 ? 0 : refused + 1;
      if (ending.status !== 200) await delay(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, lane) => caller(lane)));
  return endings;
}

async function ask(gateway: GatewayProcess, content: string, max_tokens: number): Promise<Ending> {
  const began = performance.now();
  const body = chat({
    messages: [{ role: 'user', content }],
    stream: true,
    service_tier: 'default',
    max_tokens,
  });
  const answer = await send(`${gateway.url}/v1/chat/completions`, body).catch(() => undefined);
  const id = answer?.headers['x-economizer-id'];
  return {
    question: content,
    status: answer?.status,
    id: typeof id === 'string' ? id : undefined,
    isWhole: answer?.broken === false && answer.body.includes('[DONE]'),
    took: performance.now() - began,
    began,
  };
}
