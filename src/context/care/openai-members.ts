import type { DialectName } from '../../exchange/dialect.ts';
import { digestOf } from '../../kernel/digest.ts';
import { memberNamed } from '../../kernel/json-spans.ts';
import type { Edit } from '../../kernel/splice.ts';
import type { Form } from './normalise.ts';

/** Who may share a machine's prompt cache: requests with equal keys are sent to the same one. */
export interface KeyParts {
  readonly tenant: string;
  readonly agent: string | undefined;
  /** Digest of what the prompt begins with. */
  readonly prefix: string;
}

/** `prompt_cache_key`, where the client set none. The name tells nobody who is behind it. */
export function cacheKeyEdit(dialect: DialectName, form: Form, parts: KeyParts): Edit | undefined {
  if (dialect !== 'openai-chat' && dialect !== 'openai-responses') return undefined;
  if (memberNamed(form.spans, 'prompt_cache_key') !== undefined) return undefined;
  const name = digestOf(`${parts.tenant}\n${parts.agent ?? ''}\n${parts.prefix}`).slice(0, 22);
  return lastMember(form, `"prompt_cache_key":"eco-${name}"`);
}

/** Tells OpenAI to write up to marks only, where the client said nothing of it. */
export function explicitModeEdit(form: Form): Edit | undefined {
  const isSaid =
    memberNamed(form.spans, 'prompt_cache_options') ??
    memberNamed(form.spans, 'prompt_cache_retention');
  return isSaid === undefined
    ? lastMember(form, '"prompt_cache_options":{"mode":"explicit"}')
    : undefined;
}

function lastMember({ spans }: Form, text: string): Edit {
  const { end } = spans.members.at(-1)!;
  return { start: end, end, bytes: Buffer.from(`,${text}`) };
}
