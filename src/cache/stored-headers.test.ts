import { expect, it } from 'vitest';
import { storedHeaders } from './stored-headers.ts';

it('keeps what tells of the answer', () => {
  const kept = [
    ['Content-Type', 'application/json'],
    ['openai-model', 'gpt'],
    ['OpenAI-Version', '2020-10-01'],
    ['anthropic-version', '2023-06-01'],
  ].flat();
  expect(storedHeaders(kept)).toEqual(kept);
});

it.each([
  'set-cookie',
  'x-ratelimit-remaining-tokens',
  'anthropic-ratelimit-requests-limit',
  'anthropic-organization-id',
  'retry-after',
  'request-id',
  'x-request-id',
  'openai-processing-ms',
  'openai-organization',
  'date',
  'server',
  'cf-ray',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'strict-transport-security',
  'alt-svc',
  'cache-control',
])('drops %s', (name) => {
  expect(storedHeaders([name, 'v', 'content-type', 'text/plain', name.toUpperCase(), 'v'])).toEqual(
    ['content-type', 'text/plain'],
  );
});
