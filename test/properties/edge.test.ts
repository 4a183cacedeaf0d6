import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { ask, edgeConfig, edgePath, get } from '../e2e/edge-house.ts';
import { startHouse } from '../e2e/harness.ts';

const tenants = ['acme', 'globex', 'initech'];
const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

type Said = { readonly edge?: string; readonly share_with?: readonly string[] };
const of = (policy: Said & Readonly<Record<string, unknown>>): Said => policy;

/** Policies of every scope; the agent of a call chooses. */
const policies: Readonly<Record<string, Said>> = {
  mine: {},
  teams: of({ scope: 'team' }),
  quiet: of({ scope: 'shared', share_as: 'quiet', share_with: ['acme', 'globex'] }),
  open: of({ scope: 'shared', share_as: 'open', share_with: ['acme', 'globex'], edge: 'public' }),
  // Shares with those of `quiet`, but openly.
  loud: of({ scope: 'shared', share_as: 'quiet', share_with: ['acme'], edge: 'public' }),
  narrow: of({
    scope: 'shared',
    share_as: 'n',
    share_with: ['initech'],
    edge: 'public',
    ignore: ['x'],
  }),
};
const names = Object.keys(policies);

/** An edge that has nothing, and remembers what it was asked for. */
async function emptyEdge() {
  const asked = new Set<string>();
  const server = createServer((request, response) => {
    asked.add(request.url!);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function stage() {
  const edge = await emptyEdge();
  const config = edgeConfig({ url: edge.url, secret: 'x'.repeat(16) });
  const rules = names.map((policy) => ({ policy, agent: policy }));
  const keys = tenants.map((tenant) => ({ id: tenant, sha256: sha256(tenant), tenant }));
  const house = await startHouse({
    config: {
      ...config,
      cache: { ...config.cache, policies, rules },
      access: { keys },
    } as unknown as ConfigFile,
  });
  return { edge, house };
}

it('only answers of public policies, to their own tenants without a credential of their own, ever get an address at the edge', async () => {
  const { edge, house } = await stage();
  const call = fc.record({
    tenant: fc.constantFrom(...tenants),
    policy: fc.constantFrom(...names),
    own: fc.boolean(),
    question: fc.nat(20),
    stream: fc.boolean(),
  });
  const given = { open: 0, closed: 0 };
  await fc.assert(
    fc.asyncProperty(call, async ({ tenant, policy, own, question, stream }) => {
      edge.asked.clear();
      const answer = await ask(
        house,
        { stream, user_question: String(question) },
        {
          authorization: `Bearer ${tenant}`,
          'x-economizer-agent': policy,
          ...(own ? { 'x-goog-api-key': 'own' } : {}),
        },
      );
      expect(answer.status).toBe(200);
      const said = policies[policy]!;
      const isPublic = said.edge === 'public' && !own && said.share_with!.includes(tenant);
      const path = edgePath(answer);
      if (!isPublic) expect([...edge.asked]).toEqual([]);
      else if (edge.asked.size > 0) expect([...edge.asked]).toEqual([path]);
      const direct = await get(house.url + path);
      // The same answer may have been kept first by a policy that shares it less openly.
      if (!isPublic && policy !== 'quiet') expect(direct.status).toBe(404);
      if (isPublic && policy !== 'loud') expect(direct.status).toBe(200);
      given[direct.status === 200 ? 'open' : 'closed']++;
    }),
    { numRuns: 250 },
  );
  expect(Math.min(given.open, given.closed)).toBeGreaterThan(10);
}, 120_000);
