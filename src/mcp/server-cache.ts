import type { ToolCache, ToolCaller, ToolQuestion, ToolRun } from '../cache/tools/tool-cache.ts';
import { normalArguments } from '../cache/tools/normal-arguments.ts';
import { packResult, type PackedResult } from '../cache/tools/tool-result.ts';
import { partOf, type ToolWrites } from '../cache/tools/touched.ts';
import type { Cancellation } from '../kernel/cancellation.ts';
import { countOf, type JsonObject } from '../kernel/json.ts';
import { kindOf, metaOf, notifiedGroups, type RequestKind } from './kinds.ts';
import type { RpcNotification, RpcRequest } from './messages.ts';
import type { McpServerPolicy } from './server-policy.ts';

export interface ServerCacheOptions {
  readonly policy: McpServerPolicy;
  readonly cache: ToolCache;
  readonly writes: ToolWrites;
}

/** What a session lends for one request. */
export interface Asking {
  readonly caller: ToolCaller & { readonly user: string };
  /** What was agreed on when the session began: it may decide what the server shows. */
  readonly terms: string;
  /** The schema of a tool's arguments, where the server has told it in this session. */
  schemaOf(tool: string): JsonObject | undefined;
  /** How often the server has asked the client something: what it answers then is not ours to repeat. */
  questions(): number;
  /** Asks the server. */
  forward(cancellation?: Cancellation): Promise<JsonObject>;
}

/** What may be kept of one server's answers, and what takes it away again. */
export class ServerCache {
  readonly #options: ServerCacheOptions;

  constructor(options: ServerCacheOptions) {
    this.#options = options;
  }

  /**
   * Answers a request, from what is kept or from the server.
   * @throws what `forward` throws; the reason of `leaving`.
   */
  async answer(request: RpcRequest, asking: Asking, leaving: Cancellation): Promise<JsonObject> {
    const { policy, writes } = this.#options;
    const kind = kindOf(request, policy);
    if (kind.kind === 'write') {
      const tags = this.#touched(kind.invalidates, asking.caller.user);
      return writes.during(() => asking.forward(leaving), tags);
    }
    if (kind.kind === 'pass' || writes.busy) return asking.forward(leaving);
    return kind.kind === 'hinted'
      ? this.#hinted(request, kind, asking, leaving)
      : this.#toolCall(request, kind, asking, leaving);
  }

  /** What the server says has changed is not served from then on. */
  async heard({ method, params }: RpcNotification): Promise<void> {
    const groups = notifiedGroups(method, params);
    if (groups.length > 0)
      await this.#options.writes.invalidate(groups.map((each) => this.#tag(each)));
  }

  /** A request that was cancelled has been answered after all: what it changed, it may have changed since. */
  async finishedLate(request: RpcRequest): Promise<void> {
    const { policy, writes } = this.#options;
    if (kindOf(request, policy).kind === 'write') await writes.invalidate([this.#tag()]);
  }

  /** The server was started anew: what it knew may be lost. */
  async restarted(): Promise<void> {
    await this.#options.writes.invalidate([this.#tag()]);
  }

  async #hinted(
    request: RpcRequest,
    { usualMs, groups }: RequestKind & { readonly kind: 'hinted' },
    asking: Asking,
    leaving: Cancellation,
  ): Promise<JsonObject> {
    const { params, method } = request;
    const { _meta: _dropped, ...rest } = params ?? {};
    const normal = normalArguments([rest, metaOf(params) ?? null], plain);
    if (normal.fault !== undefined) return asking.forward(leaving);
    const what = [method, asking.terms, normal.text];
    const { user, tenant } = asking.caller;
    const own = this.#key('user', tenant, user, ...what);
    const everybody = this.#key('tenant', tenant, undefined, ...what);
    const question = this.#question(asking, method, [own, everybody], groups);
    const given = await this.#options.cache.ask(
      question,
      (cancellation) =>
        run(asking, cancellation, (result) => {
          const ttlMs = countOf(result['ttlMs']) ?? usualMs;
          if (ttlMs === 0) return 'alone';
          return { key: result['cacheScope'] === 'public' ? everybody : own, ttlMs };
        }),
      leaving,
    );
    return aged(given.value, given.ageMs);
  }

  async #toolCall(
    { params }: RpcRequest,
    { name, policy }: RequestKind & { readonly kind: 'tool' },
    asking: Asking,
    leaving: Cancellation,
  ): Promise<JsonObject> {
    const terms = { ...policy, schema: asking.schemaOf(name) };
    const meta = metaOf(params) ?? null;
    const normal = normalArguments([params?.['arguments'] ?? {}, meta], terms);
    if (normal.fault !== undefined) return asking.forward(leaving);
    const { user, tenant } = asking.caller;
    const what = ['tools/call', name, asking.terms, normal.text];
    const { scope, ttlMs, maxBytes, priceNanos } = policy;
    const key =
      scope.kind === 'shared'
        ? this.#key('shared', scope.name, undefined, ...what)
        : this.#key(scope.kind, tenant, scope.kind === 'user' ? user : undefined, ...what);
    const groups = ['calls', `call:${name}`];
    const question = { ...this.#question(asking, name, [key], groups), ttlMs, priceNanos };
    const given = await this.#options.cache.ask(
      question,
      (cancellation) =>
        run(asking, cancellation, (result, packed) => {
          const isKept = result['isError'] !== true && packed.bytes.byteLength <= maxBytes;
          return isKept ? { key, ttlMs } : undefined;
        }),
      leaving,
    );
    return given.value;
  }

  #question(
    { caller }: Asking,
    what: string,
    keys: readonly string[],
    groups: readonly string[],
  ): ToolQuestion {
    const { name } = this.#options.policy;
    const tags = [undefined, ...groups, `user:${partOf(caller.user)}`].map((each) =>
      this.#tag(each),
    );
    return {
      path: `mcp:${name}/${what}`,
      caller,
      keys,
      ttlMs: Number.POSITIVE_INFINITY,
      tags,
      priceNanos: 0,
    };
  }

  #key(...parts: readonly (string | undefined)[]): string {
    const { policy, cache } = this.#options;
    return cache.key(['mcp', policy.name, policy.identity, ...parts]);
  }

  #touched(invalidates: (RequestKind & { kind: 'write' })['invalidates'], user: string) {
    if (invalidates === 'none') return [];
    if (invalidates === 'own') return [this.#tag(`user:${partOf(user)}`)];
    const groups =
      invalidates === 'all'
        ? ['calls', 'reads', 'resources']
        : invalidates.map((tool) => `call:${tool}`);
    return groups.map((group) => this.#tag(group));
  }

  #tag(group?: string): string {
    const { name } = this.#options.policy;
    return group === undefined ? `mcp:${name}` : `mcp:${name}:${group}`;
  }
}

/** Params of requests that no policy is for are compared as they are. */
const plain = { schema: undefined, volatile: [], sets: [], nfc: false };

/** Asks the server. A result that hangs on what the client was asked meanwhile, or that is only a round of several, is its caller's alone. */
async function run(
  asking: Asking,
  cancellation: Cancellation,
  keep: (result: JsonObject, packed: PackedResult) => ToolRun<JsonObject>['keep'] | 'alone',
): Promise<ToolRun<JsonObject>> {
  const before = asking.questions();
  const value = await asking.forward(cancellation);
  const isWhole = value['resultType'] === undefined || value['resultType'] === 'complete';
  const { packed } = packResult(value);
  const isOwn = packed === undefined || !isWhole || asking.questions() !== before;
  const kept = isOwn ? 'alone' : keep(value, packed);
  return kept === 'alone'
    ? { value, packed: undefined, keep: undefined }
    : { value, packed, keep: kept };
}

/** With the time that is left of what the server allowed, so that nobody behind us keeps it for longer. */
function aged(result: JsonObject, ageMs: number): JsonObject {
  const ttlMs = countOf(result['ttlMs']);
  return ttlMs === undefined || ageMs === 0
    ? result
    : { ...result, ttlMs: Math.max(0, Math.round(ttlMs - ageMs)) };
}
