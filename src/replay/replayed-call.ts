import { newCall, type Call } from '../exchange/call.ts';
import type { DialectName } from '../exchange/dialect.ts';
import { isWhole, type Reply } from '../exchange/reply.ts';
import { SseParser } from '../exchange/sse.ts';
import { collect } from '../exchange/stream.ts';
import { dialects } from '../exchange/wire/index.ts';
import type { Clock } from '../kernel/clock.ts';
import { isObject, parseJson, type JsonObject } from '../kernel/json.ts';
import type { PlannedCall } from './planned-call.ts';
import { providerOf } from './provider-of.ts';

const paths: Record<DialectName, string> = {
  'openai-chat': '/chat/completions',
  'openai-responses': '/responses',
  'openai-completions': '/completions',
  'openai-embeddings': '/embeddings',
  'anthropic-messages': '/v1/messages',
  'anthropic-count-tokens': '/v1/messages/count_tokens',
};

/** The call as the gateway would have made it of the agent's request. */
export function callOf({ id, recorded, session }: PlannedCall, clock: Clock): Call {
  return newCall({
    id,
    provider: providerOf(recorded.model, recorded.dialect),
    dialect: dialects[recorded.dialect],
    method: 'POST',
    path: paths[recorded.dialect],
    headers: ['content-type', 'application/json'],
    body: Buffer.from(JSON.stringify(recorded.request)),
    startedAt: clock.now(),
    startedTick: clock.tick(),
    caller: { tenant: session.tenant, agent: session.agent, session: session.session, tags: [] },
  });
}

/** The answer that a caller got, as one message; undefined where it got none. */
export async function answerIn(
  reply: Reply,
  dialect: DialectName,
): Promise<JsonObject | undefined> {
  const bytes = isWhole(reply.body) ? Buffer.from(reply.body) : await collect(reply.body);
  if (reply.status !== 200) return undefined;
  const parsed = parseJson(bytes.toString('utf8'));
  if (isObject(parsed)) return parsed;
  const assembler = dialects[dialect].assembler();
  for (const event of new SseParser().push(bytes)) assembler.push(event);
  return assembler.finish().final;
}
