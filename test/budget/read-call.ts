import { newCall, type Call } from '../../src/exchange/call.ts';
import type { DialectName } from '../../src/exchange/dialect.ts';
import { firstSpend } from '../../src/exchange/spend.ts';
import { dialects } from '../../src/exchange/wire/index.ts';
import type { JsonObject } from '../../src/kernel/json.ts';

/** A call as it is once its body was read, for tests. */
export function readCall(
  dialectName: DialectName,
  body: JsonObject,
  options: { readonly provider?: string; readonly bytes?: Buffer } = {},
): Call {
  const dialect = dialects[dialectName];
  const bytes = options.bytes ?? Buffer.from(JSON.stringify(body));
  const priceId =
    options.provider ?? (dialectName.startsWith('anthropic') ? 'anthropic' : 'openai');
  return newCall({
    id: 'call',
    provider: { name: priceId, priceId, asksStreamUsage: true },
    dialect,
    method: 'POST',
    path: '/v1/any',
    headers: [],
    body: bytes,
    caller: { tenant: 'default', agent: undefined, session: undefined, tags: [] },
    startedAt: Date.UTC(2026, 10, 20, 12),
    startedTick: 0,
    facts: {
      ...dialect.requestFacts(body),
      spend: firstSpend(dialect.spendTerms(body), bytes.length),
    },
  });
}
