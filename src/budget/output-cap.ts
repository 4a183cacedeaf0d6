import type { Call } from '../exchange/call.ts';
import { isWhole } from '../exchange/reply.ts';
import { asBuffer } from '../exchange/stream.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { afterSpace, membersOf } from '../kernel/json-members.ts';
import { splice, type Edit } from '../kernel/splice.ts';

/**
 * The call with an output cap of `tokens` in its body, by splice. A smaller cap of the caller's stays; of two caps each is lowered, since servers
 * differ in which they heed. A cap that is no number stays, so that the provider can say so. Where the caller names none, the member is added
 * that the API has for it.
 * @throws EconomizerError `ECO_INTERNAL` for a cap below the least with which the request is valid.
 */
export function capped(call: Call, tokens: number): Call {
  const { dialect, body, facts } = call;
  if (dialect === undefined || body === undefined || !isWhole(body)) return call;
  const names = capNames[dialect.name];
  if (names === undefined) return call;
  // An API that refuses caps beside a prediction gets none.
  if (facts?.spend?.terms.open.has('output-unknown') === true) return call;
  const least = facts?.spend?.terms.leastCap ?? 1;
  if (tokens < least && tokens < (facts?.spend?.terms.outputCap ?? Infinity)) {
    throw new EconomizerError(
      'ECO_INTERNAL',
      `A cap of ${tokens} output tokens would make the request invalid; it needs at least ${least}.`,
    );
  }
  const bytes = asBuffer(body);
  const mayName = facts?.spend?.terms.namesCap !== false;
  const caps = { names, tokens, keepsZero: keepsZero(call) };
  const edits = (mayName ? capEdits(bytes, caps) : undefined) ?? [
    newCap(bytes, nameFor(call, names), tokens),
  ];
  return edits.length === 0 ? call : { ...call, body: splice(bytes, edits) };
}

/** Members that cap the output. */
const capNames: Readonly<Record<string, readonly string[] | undefined>> = {
  'openai-chat': ['max_completion_tokens', 'max_tokens'],
  'openai-responses': ['max_output_tokens'],
  'openai-completions': ['max_tokens'],
  'anthropic-messages': ['max_tokens'],
};

const quote = 0x22;

interface Wish {
  readonly names: readonly string[];
  readonly tokens: number;
  readonly keepsZero: boolean;
}

/** OpenAI refuses a cap of zero, Anthropic warms its cache with it, and legacy completions count tokens so. */
function keepsZero({ dialect, provider }: Call): boolean {
  const isChat = dialect!.name === 'openai-chat' || dialect!.name === 'openai-responses';
  return !isChat || provider.priceId === 'openai' || provider.priceId === 'azure';
}

/** Lenient servers take `"50"` for 50. */
function numberIn(quoted: string): number {
  const text = JSON.parse(quoted) as string;
  return text.trim() === '' ? NaN : Number(text);
}

/** Edits that lower the caps that the body names; undefined where it names none. */
function capEdits(body: Buffer, { names, tokens, keepsZero }: Wish): Edit[] | undefined {
  const put = Buffer.from(String(tokens));
  // Looking for the names costs less than telling all members apart; a body without a cap has them nowhere, not even in escapes.
  if (!names.some((name) => body.includes(`"${name}"`)) && !body.includes('\\u')) return undefined;
  const edits: Edit[] = [];
  let isNamed = false;
  let silent: Edit | undefined;
  for (const { name, start, end } of membersOf(body, afterSpace(body, 0))) {
    if (name === undefined || !names.includes(name)) continue;
    const text = body.toString('latin1', start, end);
    // A null beside another cap says nothing; alone it stands where the cap belongs.
    if (text === 'null') silent ??= { start, end, bytes: put };
    else isNamed = true;
    // Some servers take a negative number, or zero, for "no limit". What is no number compares as neither.
    const value = body[start] === quote ? numberIn(text) : text === 'null' ? NaN : Number(text);
    const isNone = value < 0 || (value === 0 && !keepsZero);
    if (isNone || value > tokens) edits.push({ start, end, bytes: put });
  }
  if (isNamed) return edits;
  return silent === undefined ? undefined : [silent];
}

function newCap(body: Buffer, name: string, tokens: number): Edit {
  const open = afterSpace(body, 0) + 1;
  const isEmpty = body[afterSpace(body, open)] === 0x7d;
  const bytes = Buffer.from(`"${name}":${tokens}${isEmpty ? '' : ','}`);
  return { start: open, end: open, bytes };
}

/**
 * OpenAI takes `max_completion_tokens` for all of its chat models, and its reasoning models take nothing else; servers that merely speak its
 * dialect may know `max_tokens` only, so they get that and only its reasoning models at Azure the newer name.
 */
function nameFor({ dialect, provider, facts }: Call, names: readonly string[]): string {
  if (dialect!.name !== 'openai-chat') return names[0]!;
  const isOpenAi = provider.priceId === 'openai';
  const reasons =
    provider.priceId === 'azure' && /(?:^|\/)(?:o\d|gpt-[5-9])/.test(facts?.model ?? '');
  return isOpenAi || reasons ? 'max_completion_tokens' : 'max_tokens';
}
