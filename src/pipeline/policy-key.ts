import type { CachePolicy } from '../cache/policy.ts';
import type { Recogniser } from '../cache/recognise.ts';
import type { SecretInUse } from '../cache/shared-secret.ts';
import type { Call } from '../exchange/call.ts';
import type { Dialect } from '../exchange/dialect.ts';
import { digestOf } from '../kernel/digest.ts';
import { finished, keyContext } from './identify.ts';

/** The key of a call under its policy, where that is not the usual one. */
export type PolicyKey = (call: Call, policy: CachePolicy) => string;

/** Scopes narrower or wider than the tenant, and members that do not count, make another key. */
export function createPolicyKey(options: {
  readonly recogniser: Recogniser;
  readonly secret: SecretInUse;
}): PolicyKey {
  const dialects = new WeakMap<CachePolicy, Map<string, Dialect>>();

  return (call, policy) => {
    const { scope, ignore } = policy;
    const key = call.key!;
    const { team, tenant } = call.caller;
    if (scope.kind === 'team' && ignore.length === 0) return teamKey(key, team);
    const isShared = scope.kind === 'shared' && scope.tenants.has(tenant);
    if (!isShared && ignore.length === 0) return key;
    const context = keyContext(call, options.secret.current);
    const { key: found } = options.recogniser.recognise(
      {
        ...context,
        // No tenant is called so: their names have no line feeds before the credential's.
        scope: isShared ? `\n\nshared\n${scope.name}\n${call.credentialScope}` : context.scope,
        variant: `${context.variant}\n${JSON.stringify(ignore)}`,
      },
      dialectFor(call.dialect!, policy),
      call.body as Buffer,
    );
    const own = finished(call, found);
    return scope.kind === 'team' ? teamKey(own, team) : own;
  };

  function dialectFor(dialect: Dialect, policy: CachePolicy): Dialect {
    if (policy.ignore.length === 0) return dialect;
    let known = dialects.get(policy);
    if (known === undefined) dialects.set(policy, (known = new Map()));
    let own = known.get(dialect.name);
    if (own === undefined) {
      const inert = new Set([...dialect.inert, ...policy.ignore]);
      // Its functions read no `this`, and what it is asked for beside them is its growing member.
      known.set(dialect.name, (own = { ...dialect, inert }));
    }
    return own;
  }
}

function teamKey(key: string, team: string | undefined): string {
  return digestOf(`team ${team === undefined ? '-' : JSON.stringify(team)} ${key}`);
}
