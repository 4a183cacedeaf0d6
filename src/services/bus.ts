import { randomBytes } from 'node:crypto';
import type { Clock } from '../kernel/clock.ts';
import type { RedisLink } from './redis.ts';

export interface BusListener {
  readonly onMessage: (message: Buffer) => void;
  /** Messages may have been missed: whatever they could have said must be taken as said. */
  readonly onGap: () => void;
}

/** What the processes of a house tell each other. Nobody hears himself. */
export interface Bus {
  /**
   * Tells all others. Never rejects.
   * @param message not empty.
   * @returns false where it could not be sent: the others hear of a gap then, as soon as they can be reached.
   */
  publish(topic: string, message: string | Buffer): Promise<boolean>;
  /** Listens to a topic. @returns ends it. */
  subscribe(topic: string, listener: BusListener): Promise<() => Promise<void>>;
  close(): void;
}

export interface BusOptions {
  readonly link: RedisLink;
  /** What all channels of this house begin with. */
  readonly prefix: string;
  readonly clock: Clock;
}

/** Who publishes (8 bytes) and the number of the message (6 bytes), then the message; a number alone says which was the last. */
const senderBytes = 8;
const headBytes = senderBytes + 6;
const deadlineMs = 1000;
/** After the last of some messages its number is told again, so that it is missed if it was lost, in milliseconds. */
const beatMs = 1000;
/** Senders whose numbers are known; the one that was heard longest ago is forgotten. */
const sendersMax = 1024;

/**
 * A bus on the channels of Redis, which forget who is not there. What is lost is noticed: by the connection's own gaps, and by the
 * numbers of each sender's messages.
 */
export function createBus(options: BusOptions): Bus {
  return new RedisBus(options);
}

class RedisBus implements Bus {
  readonly #options: BusOptions;
  readonly #sender = randomBytes(senderBytes);
  readonly #topics = new Map<string, Topic>();

  constructor(options: BusOptions) {
    this.#options = options;
  }

  publish(topic: string, message: string | Buffer): Promise<boolean> {
    let outgoing = this.#topics.get(topic);
    if (outgoing === undefined) {
      outgoing = new Topic(this.#options, this.#channelOf(topic), this.#sender);
      this.#topics.set(topic, outgoing);
    }
    return outgoing.publish(typeof message === 'string' ? Buffer.from(message) : message);
  }

  subscribe(topic: string, listener: BusListener): Promise<() => Promise<void>> {
    const incoming = new Incoming(this.#sender, listener);
    return this.#options.link.subscribe(
      this.#channelOf(topic),
      (frame) => incoming.hear(frame),
      () => incoming.gap(),
    );
  }

  close(): void {
    for (const topic of this.#topics.values()) topic.close();
  }

  #channelOf(topic: string): string {
    return `${this.#options.prefix}bus:${topic}`;
  }
}

/** What we say on one topic. */
class Topic {
  readonly #options: BusOptions;
  readonly #channel: string;
  readonly #sender: Buffer;
  #number = 0;
  #cancelBeat: (() => void) | undefined;
  #isClosed = false;

  constructor(options: BusOptions, channel: string, sender: Buffer) {
    this.#options = options;
    this.#channel = channel;
    this.#sender = sender;
  }

  async publish(message: Buffer): Promise<boolean> {
    this.#number++;
    const sent = await this.#send(message);
    this.#scheduleBeat();
    return sent;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelBeat?.();
  }

  #send(message: Buffer): Promise<boolean> {
    const head = Buffer.alloc(headBytes);
    this.#sender.copy(head);
    head.writeUIntBE(this.#number, senderBytes, 6);
    const frame = Buffer.concat([head, message]);
    return this.#options.link.send(['PUBLISH', this.#channel, frame], deadlineMs).then(
      () => true,
      () => false, // the beat goes on until it gets through, and then they hear of the gap
    );
  }

  #scheduleBeat(): void {
    this.#cancelBeat?.();
    if (this.#isClosed) return;
    this.#cancelBeat = this.#options.clock.after(beatMs, () => {
      void this.#send(Buffer.alloc(0)).then((sent) => sent || this.#scheduleBeat());
    });
  }
}

/** What we hear on one topic. */
class Incoming {
  readonly #self: Buffer;
  readonly #listener: BusListener;
  readonly #last = new Map<string, number>();

  constructor(self: Buffer, listener: BusListener) {
    this.#self = self;
    this.#listener = listener;
  }

  hear(frame: Buffer): void {
    if (frame.length < headBytes || frame.subarray(0, senderBytes).equals(this.#self)) return;
    const sender = frame.toString('latin1', 0, senderBytes);
    const number = frame.readUIntBE(senderBytes, 6);
    const isBeat = frame.length === headBytes;
    const last = this.#last.get(sender) ?? 0;
    this.#note(sender, number);
    if (number !== (isBeat ? last : last + 1)) this.#listener.onGap();
    if (!isBeat) this.#listener.onMessage(frame.subarray(headBytes));
  }

  gap(): void {
    this.#last.clear();
    this.#listener.onGap();
  }

  #note(sender: string, number: number): void {
    this.#last.delete(sender);
    this.#last.set(sender, number);
    if (this.#last.size <= sendersMax) return;
    const [oldest] = this.#last.keys();
    this.#last.delete(oldest!);
  }
}
