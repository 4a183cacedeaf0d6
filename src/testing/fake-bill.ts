import type { DialectName } from '../exchange/dialect.ts';
import { fieldOf } from '../exchange/reply.ts';
import { noUsage } from '../exchange/usage.ts';
import { dialects } from '../exchange/wire/index.ts';
import type { JsonObject } from '../kernel/json.ts';
import { providerOf } from '../replay/provider-of.ts';
import type { Bill, BillingBrain } from '../replay/provider/billing-brain.ts';
import type { FakeCall } from './fake-call.ts';

const charactersPerToken = 4;

/** What a call is billed, or why the provider refuses it. */
export function billFor(question: {
  readonly call: FakeCall & { readonly dialect: DialectName; readonly json: JsonObject };
  readonly final: JsonObject;
  readonly model: string;
  readonly at: number;
  readonly brain: BillingBrain | undefined;
}): Bill | { readonly refusal: string } {
  const { call, final, model, at, brain } = question;
  const { dialect, json, rawHeaders } = call;
  const written = writtenIn(dialect, final);
  if (brain === undefined) {
    const fresh = Math.ceil(call.body.length / charactersPerToken);
    const output = Math.ceil(written.length / charactersPerToken);
    return { usage: { ...noUsage, fresh, output }, firstTokenMs: 0, totalMs: 0 };
  }
  const { fault } = brain.prompt({ dialect, body: json });
  if (fault !== undefined) return { refusal: fault };
  if (dialect === 'anthropic-count-tokens') {
    const usage = { ...noUsage, fresh: brain.count({ dialect, body: json }) };
    return { usage, firstTokenMs: 0, totalMs: 0 };
  }
  return brain.bill({
    provider: providerOf(model, dialect).priceId,
    model,
    dialect,
    body: json,
    scope: fieldOf(rawHeaders, 'authorization') ?? fieldOf(rawHeaders, 'x-api-key') ?? '',
    at,
    answer: { output: brain.textTokens(written), reasoning: 0 },
  });
}

function writtenIn(dialect: DialectName, final: JsonObject): string {
  return dialect === 'anthropic-count-tokens'
    ? ''
    : dialects[dialect].answerFacts(final).outputText;
}
