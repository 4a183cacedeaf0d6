import type { DialectName } from '../exchange/dialect.ts';

/** Headers like those of the real providers: vendor names, rate limits, and what must never be kept with a stored answer. Names and values in turn. */
export function fakeHeaders(dialect: DialectName | undefined, requestNumber: number): string[] {
  const id = `req_${String(requestNumber).padStart(8, '0')}`;
  const left = String(Math.max(0, 10_000 - requestNumber));
  const vendor =
    dialect?.startsWith('anthropic') === true
      ? {
          'request-id': id,
          'anthropic-organization-id': 'org-fake',
          'anthropic-ratelimit-requests-limit': '10000',
          'anthropic-ratelimit-requests-remaining': left,
          'anthropic-ratelimit-requests-reset': '2026-01-01T00:00:00Z',
        }
      : {
          'x-request-id': id,
          'openai-organization': 'org-fake',
          'openai-version': '2020-10-01',
          'openai-processing-ms': '12',
          'x-ratelimit-limit-requests': '10000',
          'x-ratelimit-remaining-requests': left,
          'x-ratelimit-reset-requests': '6ms',
        };
  const cookie = `__cf_bm=${id}; path=/; HttpOnly; Secure; SameSite=None`;
  return Object.entries({ ...vendor, 'set-cookie': cookie }).flat();
}
