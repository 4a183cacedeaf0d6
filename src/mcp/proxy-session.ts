import { Cancellation } from '../kernel/cancellation.ts';
import { digestOf } from '../kernel/digest.ts';
import { EconomizerError } from '../kernel/errors.ts';
import { arrayOf, isObject, textOf, type JsonObject, type JsonValue } from '../kernel/json.ts';
import type { Signals } from '../kernel/signals.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Channel, MessageExtra } from './channel.ts';
import {
  RpcFault,
  isNotification,
  isRequest,
  objectIn,
  ownFault,
  type RpcError,
  type RpcId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResult,
} from './messages.ts';
import type { Asking, ServerCache } from './server-cache.ts';
import { UpstreamLink, type UpstreamLinkOptions } from './upstream-link.ts';

export interface ProxySessionOptions {
  readonly name: string;
  readonly client: Channel;
  readonly open: UpstreamLinkOptions['open'];
  readonly cache: ServerCache;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Whose a message of the client is. */
  readonly userOf: (extra: MessageExtra | undefined) => string;
  readonly tenant: string;
  readonly onClose?: () => void;
}

interface Pending {
  readonly resolve: (result: JsonObject) => void;
  readonly reject: (error: Error) => void;
}

/** Schemas of one session; a server with more tools than that gets no defaults filled in. */
const schemasMax = 10_000;
const abandonedMax = 1000;
/** Requests under way at the same time, in each direction. */
const requestsMax = 10_000;

/**
 * One client and its server, message by message. What the cache has is answered here; all else goes through as it came, both ways: requests,
 * answers, notifications, also such as we do not know.
 */
export class ProxySession {
  readonly #options: ProxySessionOptions;
  readonly #link: UpstreamLink;
  /** Requests of the client that the server works on. */
  readonly #pending = new Map<RpcId, Pending>();
  /** All that the client waits for. */
  readonly #waiting = new Map<RpcId, Cancellation>();
  /** Requests of the server that the client works on. */
  readonly #asked = new Set<RpcId>();
  /** Requests that were cancelled: the server may go on with them, and answer late. */
  readonly #abandoned = new Map<RpcId, RpcRequest>();
  readonly #schemas = new Map<string, JsonObject>();
  #questions = 0;
  #terms = '';
  #toClient: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: ProxySessionOptions) {
    this.#options = options;
    const { name, open, clock, client, cache } = options;
    this.#link = new UpstreamLink({
      name,
      open,
      clock,
      onMessage: (message) => this.#fromServer(message),
      onLost: (spared) => this.#lost(spared),
      onRestarted: () => cache.restarted(),
      onFault: (error) => this.#tell('upstream', error),
    });
    client.onmessage = (message, extra) => this.#fromClient(message, extra);
    client.onerror = (error) => this.#tell('client', error);
    client.onclose = () => void this.close();
  }

  start(): Promise<void> {
    return this.#options.client.start();
  }

  /** Ends the server's side and the client's. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const left = new EconomizerError('ECO_CANCELLED', 'The session is over.');
    for (const waiting of this.#waiting.values()) waiting.cancel(left);
    for (const { reject } of this.#pending.values()) reject(left);
    await this.#toClient;
    await this.#link.close();
    await this.#options.client.close();
    this.#options.onClose?.();
  }

  #fromClient(message: RpcMessage, extra: MessageExtra | undefined): void {
    if (isRequest(message)) void this.#serve(message, extra);
    else if (!isNotification(message)) {
      // A server that is gone asked; the one in its place would not know what.
      if (this.#asked.delete(message.id)) this.#pass(message);
    } else if (message.method === 'notifications/cancelled') this.#cancel(message);
    else this.#pass(message);
  }

  async #serve(request: RpcRequest, extra: MessageExtra | undefined): Promise<void> {
    const { id, method, params } = request;
    if (this.#waiting.size >= requestsMax) {
      return this.#giveError(id, ownFault(`More than ${requestsMax} requests are under way.`));
    }
    const leaving = new Cancellation();
    this.#waiting.set(id, leaving);
    if (method === 'initialize') this.#terms = termsOf(params);
    try {
      const result = await this.#options.cache.answer(
        request,
        this.#asking(request, extra),
        leaving,
      );
      if (method === 'initialize') await this.#link.agreeOn(result['protocolVersion']);
      if (method === 'tools/list') this.#learn(result['tools']);
      if (leaving.reason === undefined) this.#give({ jsonrpc: '2.0', id, result }, id);
    } catch (error) {
      if (leaving.reason === undefined) this.#giveError(id, error);
    } finally {
      this.#waiting.delete(id);
    }
  }

  #asking(request: RpcRequest, extra: MessageExtra | undefined): Asking {
    const { userOf, tenant, client } = this.#options;
    return {
      caller: { tenant, user: userOf(extra), session: client.sessionId },
      terms: this.#terms,
      schemaOf: (tool) => this.#schemas.get(tool),
      questions: () => this.#questions,
      forward: (cancellation) => this.#forward(request, cancellation),
    };
  }

  /** Asks the server. Where nobody wants the answer any more, the server hears that. */
  async #forward(request: RpcRequest, cancellation?: Cancellation): Promise<JsonObject> {
    const { id } = request;
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
    this.#pending.set(id, { resolve, reject });
    const stay = cancellation?.onCancel((reason) => {
      const why = textOf((reason as { readonly reason?: JsonValue }).reason);
      const params = { requestId: id, ...(why === undefined ? {} : { reason: why }) };
      this.#abandon(request);
      if (!this.#closed) this.#pass({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
      reject(reason);
    });
    try {
      this.#link.send(request).catch(reject);
      return await promise;
    } finally {
      stay?.();
      this.#pending.delete(id);
    }
  }

  #abandon(request: RpcRequest): void {
    if (this.#abandoned.size < abandonedMax) this.#abandoned.set(request.id, request);
  }

  #cancel(message: RpcNotification): void {
    const id = message.params?.['requestId'] as RpcId;
    const waiting = this.#waiting.get(id);
    // Of what is not under way here, a task for instance, the server may know.
    if (waiting === undefined) return this.#pass(message);
    const left = new EconomizerError('ECO_CANCELLED', 'The client cancelled the request.');
    waiting.cancel(Object.assign(left, { reason: message.params?.['reason'] }));
  }

  #fromServer(message: RpcMessage): void {
    if (isRequest(message)) {
      // Beyond that, answers are dropped: such a server waits for nothing any more.
      if (this.#asked.size < requestsMax) this.#asked.add(message.id);
      if (message.method !== 'ping') this.#questions++;
      this.#give(message);
    } else if (isNotification(message)) this.#heard(message);
    else this.#answered(message);
  }

  #answered(message: RpcResult | RpcError): void {
    const abandoned = this.#abandoned.get(message.id);
    if (abandoned !== undefined) {
      this.#abandoned.delete(message.id);
      void this.#options.cache.finishedLate(abandoned);
    } else if ('result' in message) {
      const { result } = message;
      this.#pending.get(message.id)?.resolve(isObject(result) ? result : {});
    } else this.#pending.get(message.id)?.reject(new RpcFault(message.error));
  }

  /** What has changed is taken away before the client hears of it, so that what it asks next is new. */
  #heard(message: RpcNotification): void {
    if (message.method === 'notifications/tools/list_changed') this.#schemas.clear();
    this.#toClient = this.#toClient.then(() => this.#options.cache.heard(message));
    const token = message.params?.['progressToken'];
    const isProgress = message.method === 'notifications/progress';
    this.#give(
      message,
      isProgress && this.#pending.has(token as RpcId) ? (token as RpcId) : undefined,
    );
  }

  /**
   * Passes something on to the client, in the order in which it came.
   * @param related the request over whose stream it goes; else one that is under way, else the one that the client keeps open for all else.
   */
  #give(message: RpcMessage, related?: RpcId): void {
    const { client } = this.#options;
    this.#toClient = this.#toClient.then(async () => {
      const relatedRequestId = related ?? [...this.#pending.keys()].at(-1);
      try {
        await client.send(message, relatedRequestId === undefined ? {} : { relatedRequestId });
      } catch (error) {
        if (!this.#closed) this.#tell('answer', error);
      }
    });
  }

  #giveError(id: RpcId, error: unknown): void {
    if (!(error instanceof RpcFault)) this.#tell('serve', error);
    const fault =
      error instanceof RpcFault
        ? error
        : ownFault('Economizer failed to handle this request; its log has the cause.');
    this.#give({ jsonrpc: '2.0', id, error: fault.error }, id);
  }

  #pass(message: RpcMessage): void {
    this.#link.send(message).catch((error: unknown) => this.#tell('forward', error));
  }

  #lost(spared: RpcMessage | undefined): void {
    const { name } = this.#options;
    this.#asked.clear();
    this.#abandoned.clear();
    const fault = ownFault(
      `The MCP server ${name} went away during this request; what it had done of it is not known. It is started again with the next one.`,
    );
    const sparedId = spared !== undefined && isRequest(spared) ? spared.id : undefined;
    for (const [id, { reject }] of this.#pending) if (id !== sparedId) reject(fault);
  }

  #learn(tools: JsonValue | undefined): void {
    for (const tool of arrayOf(tools)) {
      if (!isObject(tool) || this.#schemas.size >= schemasMax) continue;
      const name = textOf(tool['name']);
      const schema = objectIn(tool, 'inputSchema');
      if (name !== undefined && schema !== undefined) this.#schemas.set(name, schema);
    }
  }

  #tell(operation: string, error: unknown): void {
    const part = `mcp.${this.#options.name}`;
    this.#options.signals.emit('part-failed', { part, operation, error });
  }
}

/** What was agreed on at the beginning, but for the client's name. */
function termsOf(params: JsonObject | undefined): string {
  const { clientInfo: _name, _meta, ...rest } = params ?? {};
  return digestOf(JSON.stringify(rest));
}
