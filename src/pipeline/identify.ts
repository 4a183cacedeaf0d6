import { variantHeaders, type KeyContext } from '../cache/key.ts';
import type { Recogniser } from '../cache/recognise.ts';
import type { SecretInUse } from '../cache/shared-secret.ts';
import type { Call } from '../exchange/call.ts';
import { isWhole } from '../exchange/reply.ts';
import { digestOf } from '../kernel/digest.ts';
import type { Stage } from './stage.ts';

/** Sets the facts, the key and the tool calls of a call, from its body; a call whose body was changed may be read again. */
export type Identify = (call: Call) => void;

/** Reads what the request says of itself: its facts, its key, and whose it is where the headers do not say. */
export function createIdentify(identify: Identify): Stage {
  return (call, next) => {
    identify(call);
    return next(call);
  };
}

export function identifier(options: { recogniser: Recogniser; secret: SecretInUse }): Identify {
  const { recogniser, secret } = options;
  return (call) => {
    if (call.dialect !== undefined && call.body !== undefined && isWhole(call.body)) {
      const recognised = recogniser.recognise(
        keyContext(call, secret.current),
        call.dialect,
        call.body as Buffer,
      );
      const { facts } = recognised;
      call.facts = facts;
      call.messages = recognised.count;
      call.key = finished(call, recognised.key);
      call.steps = recognised.steps;
      const { agent, session } = call.caller;
      if ((agent ?? facts.agent) !== agent || (session ?? facts.session) !== session) {
        call.caller = {
          ...call.caller,
          agent: agent ?? facts.agent,
          session: session ?? facts.session,
        };
      }
    }
  };
}

/**
 * Streams are asked for their usage whether or not their callers did, so that one answer serves both; a provider that must not be asked
 * gives each what it asked for, and their answers stay apart.
 */
function asksForMore({ facts, dialect, provider }: Call): boolean {
  if (provider.asksStreamUsage || facts?.stream !== true || !facts.streamUsage) return false;
  return dialect!.name === 'openai-chat' || dialect!.name === 'openai-completions';
}

/** The key of a body as the key of this call. */
export function finished(call: Call, key: string): string {
  return asksForMore(call) ? digestOf(`${key}+usage`) : key;
}

/** All that can change a call's answer beside its body. */
export function keyContext(call: Call, secret: string): KeyContext {
  const { dialect, provider, caller, credentialScope, path } = call;
  return {
    secret,
    scope: `${caller.tenant}\n${credentialScope}`,
    provider: provider.name,
    dialect: dialect!.name,
    path,
    variant: variantHeaders(call.headers),
  };
}
