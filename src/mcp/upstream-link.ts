import type { Clock } from '../kernel/clock.ts';
import { isObject, textOf, type JsonObject } from '../kernel/json.ts';
import type { Channel } from './channel.ts';
import { isRequest, ownFault, type RpcId, type RpcMessage } from './messages.ts';

export interface UpstreamLinkOptions {
  /** The server's name, for messages. */
  readonly name: string;
  /** Starts the server, or makes what speaks to it. */
  readonly open: () => Channel | Promise<Channel>;
  readonly clock: Clock;
  readonly onMessage: (message: RpcMessage) => void;
  /** What was under way is lost with it, but for this message, which it did not take and which is sent again. */
  readonly onLost: (spared?: RpcMessage) => void;
  /** It was started again, and has heard what the one before it had heard. */
  readonly onRestarted: () => Promise<void>;
  /** Something went wrong that no request hears of. */
  readonly onFault: (error: unknown) => void;
}

/** A server that fails to start is not started again before so many milliseconds are over. */
const restartMs = 1000;
const handshakeMs = 30_000;
const leaveMs = 1000;
/** Resources watched by one session that a new server is told of. */
const watchedMax = 1000;

/** One session's connection to a server. Where the server goes away, the next request starts it again and tells it what the session had agreed on. */
export class UpstreamLink {
  readonly #options: UpstreamLinkOptions;
  #channel: Promise<Channel> | undefined;
  /** The same, once it is there. */
  #current: Channel | undefined;
  #wasOpen = false;
  #failure: { readonly tick: number; readonly error: unknown } | undefined;
  #closed = false;
  /** What a new server must be told. */
  #initialize: JsonObject | undefined;
  #initialized = false;
  #level: JsonObject | undefined;
  readonly #watched = new Map<string, JsonObject>();
  #handshakes = 0;
  #awaited: { readonly id: RpcId; readonly resolve: (message: RpcMessage) => void } | undefined;

  constructor(options: UpstreamLinkOptions) {
    this.#options = options;
  }

  /** @throws RpcFault where the server cannot be reached; the message did not arrive then. */
  async send(message: RpcMessage): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const channel = await this.#ready(message);
      try {
        await channel.send(message);
        this.#note(message);
        return;
      } catch (error) {
        // A server that has forgotten the session did nothing with the message.
        if (!isForgotten(error) || attempt > 1) throw this.#fault(error);
        await this.#lose(channel, message);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const channel = await this.#channel?.catch(() => undefined);
    this.#channel = undefined;
    if (channel === undefined) return;
    await this.#takeLeave(channel);
    await channel.close();
  }

  /** A server that does not answer must not keep us. */
  async #takeLeave(channel: Channel): Promise<void> {
    if (channel.terminateSession === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#options.clock.after(leaveMs, resolve);
    channel
      .terminateSession()
      .catch((error: unknown) => this.#options.onFault(error))
      .finally(resolve);
    await promise;
    stop();
  }

  /** Requests over HTTP name the version that was agreed on. */
  async agreeOn(version: unknown): Promise<void> {
    const channel = await this.#channel;
    if (typeof version === 'string') channel?.setProtocolVersion?.(version);
  }

  #ready(message: RpcMessage): Promise<Channel> {
    const { clock, name } = this.#options;
    if (this.#closed) return Promise.reject(ownFault(`The session with ${name} is over.`));
    const failure = this.#failure;
    if (this.#channel === undefined && failure !== undefined) {
      if (clock.tick() - failure.tick < restartMs)
        return Promise.reject(this.#fault(failure.error));
    }
    this.#channel ??= this.#open('method' in message && message.method === 'initialize');
    return this.#channel;
  }

  async #open(isBeginning: boolean): Promise<Channel> {
    try {
      const channel = await this.#options.open();
      channel.onmessage = (message) => this.#hear(message);
      channel.onerror = (error) => this.#options.onFault(error);
      channel.onclose = () => void this.#lose(channel);
      await channel.start();
      this.#current = channel;
      if (this.#wasOpen) await this.#options.onRestarted();
      if (!isBeginning) await this.#greetAgain(channel);
      this.#wasOpen = true;
      this.#failure = undefined;
      return channel;
    } catch (error) {
      this.#channel = undefined;
      this.#failure = { tick: this.#options.clock.tick(), error };
      throw this.#fault(error);
    }
  }

  /** The channel is no more; only the one in use counts. */
  async #lose(channel: Channel, spared?: RpcMessage): Promise<void> {
    if (this.#current !== channel) return;
    this.#current = undefined;
    this.#channel = undefined;
    this.#awaited?.resolve({ jsonrpc: '2.0', id: this.#awaited.id, error: {} });
    channel.onmessage = undefined;
    channel.onclose = undefined;
    if (!this.#closed) this.#options.onLost(spared);
    await channel.close().catch((error: unknown) => this.#options.onFault(error));
  }

  async #greetAgain(channel: Channel): Promise<void> {
    if (this.#initialize === undefined) return;
    const answer = await this.#ask(channel, 'initialize', this.#initialize);
    channel.setProtocolVersion?.(textOf(answer['protocolVersion']) ?? '');
    if (this.#initialized) {
      await channel.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
    }
    if (this.#level !== undefined) await this.#ask(channel, 'logging/setLevel', this.#level);
    for (const params of this.#watched.values()) {
      await this.#ask(channel, 'resources/subscribe', params);
    }
  }

  /** A request of our own. @throws RpcFault where the server does not answer it. */
  async #ask(channel: Channel, method: string, params: JsonObject): Promise<JsonObject> {
    const { clock, name } = this.#options;
    const id = `economizer-${++this.#handshakes}`;
    const { promise, resolve } = Promise.withResolvers<RpcMessage>();
    this.#awaited = { id, resolve };
    const error = { message: `${name} did not answer in time.` };
    const stop = clock.after(handshakeMs, () => resolve({ jsonrpc: '2.0', id, error }));
    try {
      await channel.send({ jsonrpc: '2.0', id, method, params });
      const answer = await promise;
      if ('result' in answer && isObject(answer.result)) return answer.result;
      throw ownFault(`The MCP server ${name} was started again, but refused ${method}.`);
    } finally {
      stop();
      this.#awaited = undefined;
    }
  }

  #hear(message: RpcMessage): void {
    const awaited = this.#awaited;
    if (awaited !== undefined && !('method' in message) && message.id === awaited.id) {
      awaited.resolve(message);
    } else this.#options.onMessage(message);
  }

  /** Remembers what a server that is started anew must be told. */
  #note(message: RpcMessage): void {
    if (!('method' in message)) return;
    const { method, params = {} } = message;
    if (method === 'initialize' && isRequest(message)) this.#initialize = params;
    if (method === 'notifications/initialized') this.#initialized = true;
    if (method === 'logging/setLevel') this.#level = params;
    const uri = textOf(params['uri']) ?? '';
    if (method === 'resources/unsubscribe') this.#watched.delete(uri);
    if (method === 'resources/subscribe' && this.#watched.size < watchedMax) {
      this.#watched.set(uri, params);
    }
  }

  #fault(error: unknown): Error {
    if (isRpcFault(error)) return error;
    const { name } = this.#options;
    const detail = error instanceof Error ? error.message : String(error);
    return ownFault(
      `The MCP server ${name} cannot be reached (${detail}); see that it runs, then ask again.`,
    );
  }
}

function isRpcFault(error: unknown): error is Error {
  return error instanceof Error && error.name === 'RpcFault';
}

/** Over HTTP, a session that the server does not know (any more) is a 404. */
function isForgotten(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 404;
}
