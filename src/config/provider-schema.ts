import { z } from 'zod';
import { defaults, reservedProviderNames } from './defaults.ts';
import {
  choice,
  count,
  duration,
  longestWaitMs,
  section,
  text,
  texts,
  wrongMapping,
} from './fields.ts';

const baseUrl = text(
  'Where the provider is. As its own SDK has it: with `/v1` for OpenAI and compatible servers, without for Anthropic.',
)
  .refine((value) => isPlainHttpUrl(value), {
    error:
      'must be an http:// or https:// URL without user, query or fragment, such as https://api.example.com/v1',
  })
  .transform((value) => value.replace(/\/+$/, ''));

function isPlainHttpUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s]+$/i.test(value) || !URL.canParse(value)) return false;
  const url = new URL(value);
  return url.username + url.password + url.search + url.hash === '' && !/[?#]/.test(value);
}

const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, {
  error: 'is not a header name: use letters, digits and hyphens',
});
const headerValue = text('The value of the header.').regex(/^[\t\x20-\x7e\x80-\xff]*$/, {
  error: 'must be a single line of header text',
});

export const providerSchema = section('One provider.', {
  kind: choice('Which dialects it speaks. Any OpenAI-compatible server is `openai`.', [
    'openai',
    'anthropic',
  ]),
  base_url: baseUrl,
  api_key: text('The key that the gateway shows the provider. Write it as `${NAME}`.')
    .regex(/^[\x21-\x7e]+$/, { error: 'must be a single word without spaces' })
    .optional(),
  credentials: choice(
    'Whose credential the provider sees: `gateway` (its `api_key`) or `caller` (what the caller sent). Default: `gateway` where there is an `api_key`, else `caller`.',
    ['gateway', 'caller'],
  ).optional(),
  models: texts(
    'Models to send here when a call to the bare paths (`/v1/...`) names one; `*` stands for anything. Most specific first: the first provider that matches wins.',
  ).optional(),
  price_id: text(
    'The provider’s name in the price book, where it differs from the name here.',
  ).optional(),
  headers: z
    .record(headerName, headerValue, { error: wrongMapping })
    .meta({ description: 'Headers to add to every call.', kind: 'mapping of text' })
    .optional(),
  stream_usage: choice(
    'How the usage of a stream is known whose caller did not ask for it: `ask` (we ask, and take the extra chunk out again) or `estimate` (for servers that refuse the question). Default: `ask`. Anthropic streams always bring it.',
    ['ask', 'estimate'],
  ).optional(),
  connections: count('Connections at most.', defaults.provider.connections, {
    min: 1,
    max: 10_000,
  }),
  keep_alive: duration('How long an idle connection is kept.', defaults.provider.keepAlive, {
    min: 1000,
    max: longestWaitMs,
  }),
}).superRefine((given, context) => {
  const complain = (path: string, message: string): void =>
    context.addIssue({ code: 'custom', path: [path], message });
  if (given.credentials === 'gateway' && given.api_key === undefined) {
    complain('credentials', 'is gateway, so api_key must be given too; or use caller');
  }
  if (given.kind === 'anthropic' && given.base_url.endsWith('/v1')) {
    complain('base_url', 'must end without /v1 for kind anthropic, whose paths begin with it');
  }
  if (given.kind === 'anthropic' && given.stream_usage === 'estimate') {
    complain('stream_usage', 'must be ask for kind anthropic, whose streams always bring usage');
  }
});

/** The name of a provider, which is also the first part of its path at the gateway. */
export const providerNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, {
    error:
      'must be a name of lower-case letters, digits and hyphens, at most 32, with a letter first',
  })
  .refine((name) => !reservedProviderNames.includes(name), {
    error: `must not be one of the gateway’s own paths: ${reservedProviderNames.join(', ')}`,
  });
