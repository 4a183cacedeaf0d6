import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createKey } from '../../src/access/lifecycle.ts';
import { newTerms } from '../../src/access/read-terms.ts';
import { createSqliteKeyStore } from '../../src/access/stores/sqlite.ts';
import type { KeyTerms } from '../../src/access/terms.ts';
import type { Call } from '../../src/exchange/call.ts';
import type { Upstream } from '../../src/exchange/upstream.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { startHouse, temporaryFolder, type House } from '../e2e/harness.ts';

export interface Tenants {
  readonly house: House;
  readonly names: readonly string[];
  /** Two keys for calling and one for administering, for each tenant. */
  readonly keys: ReadonlyMap<
    string,
    { readonly calling: readonly string[]; readonly admin: string }
  >;
  readonly operator: string;
  /** What left for the provider: whose call it was, and its body. */
  readonly sent: readonly { readonly tenant: string; readonly body: string }[];
}

/** Tenants whose names are made to be taken for each other. */
export const tenantNames: readonly string[] = [
  'a',
  'a.b',
  'a/b',
  'A',
  '__proto__',
  'constructor',
  'default',
  'ü',
];

/** A gateway with all that remembers switched on, before a provider that writes into each answer whom it was for. */
export async function startTenants(): Promise<Tenants> {
  const data = temporaryFolder();
  const store = createSqliteKeyStore({ path: join(data, 'keys.sqlite') });
  const make = async (terms: Partial<KeyTerms>): Promise<string> => {
    const all = { ...newTerms(undefined, randomBytes), ...terms };
    return (await createKey({ store, clock: systemClock, random: randomBytes }, all)).text;
  };
  const keys = new Map<string, { calling: readonly string[]; admin: string }>();
  for (const tenant of tenantNames) {
    const calling = [await make({ tenant, id: 'one' }), await make({ tenant, id: 'two' })];
    keys.set(tenant, { calling, admin: await make({ tenant, id: 'admin', scopes: ['admin'] }) });
  }
  const operator = await make({ id: 'operator', scopes: ['operator'] });
  await store.close();
  const sent: { tenant: string; body: string }[] = [];
  const config = {
    data,
    care: { breakpoints: true, order: true, repair: true, affinity: true, fan_out: true },
    fit: { enabled: true, token_budget: 500, keep_recent: 2, remove: 'needed' },
    cache: { stale_while_revalidate: '1m', reuse_sampled: true },
  } as never;
  const house = await startHouse({ config, upstream: answersWhom(sent) });
  return { house, names: tenantNames, keys, operator, sent };
}

function answersWhom(sent: { tenant: string; body: string }[]): Upstream {
  return {
    async send(call: Call) {
      const { tenant } = call.caller;
      sent.push({ tenant, body: Buffer.from(call.body as Uint8Array).toString('utf8') });
      await new Promise((resolve) => setTimeout(resolve, 5));
      const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
      const content = markOf(tenant);
      const base = { id: 'c', created: 1, model: 'gpt-4o' };
      if (call.facts?.stream !== true) {
        const message = { role: 'assistant', content };
        const choices = [{ index: 0, message, finish_reason: 'stop' }];
        return json({ ...base, object: 'chat.completion', choices, usage });
      }
      const object = 'chat.completion.chunk';
      const delta = { role: 'assistant', content };
      const chunks = [
        { ...base, object, choices: [{ index: 0, delta, finish_reason: null }] },
        { ...base, object, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
        { ...base, object, choices: [], usage },
      ];
      const text = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
      return {
        status: 200,
        headers: ['content-type', 'text/event-stream'],
        body: Buffer.from(`${text}data: [DONE]\n\n`),
      };
    },
  };
}

function json(value: object) {
  const body = Buffer.from(JSON.stringify(value));
  return { status: 200, headers: ['content-type', 'application/json'], body };
}

/** What only this tenant may read: one word, since a plain answer that is streamed comes word by word. */
export function markOf(tenant: string): string {
  return `(${Buffer.from(tenant).toString('hex')})`;
}
