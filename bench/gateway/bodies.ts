/** Request bodies of the benchmark. */

export type Traffic =
  | 'repeat' // the same few bodies again and again
  | 'next-turn' // each request continues the one before on its connection
  | 'unseen'; // each request differs in its first message

const line =
  'Then she said: "We should look at row 42,\\n and at the one behind it," and went on. ';

/** Gives the parts of one connection's next request body; their concatenation is the JSON text. */
export class BodySource {
  readonly #traffic: Traffic;
  readonly #streams: boolean;
  readonly #history: Buffer;
  readonly #name: string;
  #count = 0;
  #turns: Buffer[] = [];

  constructor(options: {
    readonly traffic: Traffic;
    readonly bytes: number;
    readonly streams: boolean;
    readonly connection: number;
    /** Different for each run of the load, so that a miss is one in every round. */
    readonly nonce: string;
  }) {
    this.#traffic = options.traffic;
    this.#streams = options.streams;
    this.#name = `${options.nonce}-${options.connection}`;
    const messages: string[] = [];
    const room = options.bytes - 250;
    for (let size = 0; size < room;) {
      const content = line
        .repeat(25)
        .slice(0, Math.min(2000, room - size))
        .replace(/\\$/, '');
      const role = messages.length % 2 === 0 ? 'user' : 'assistant';
      messages.push(`{"role":"${role}","content":${JSON.stringify(content)}}`);
      size += messages.at(-1)!.length + 1;
    }
    this.#history = Buffer.from(messages.map((each) => `,${each}`).join(''));
  }

  next(): readonly Buffer[] {
    this.#count++;
    const tail = Buffer.from(']}');
    if (this.#traffic === 'repeat')
      return [this.#head('same', this.#count % 8), this.#history, tail];
    if (this.#traffic === 'unseen') {
      return [this.#head(`u${this.#name}`, this.#count), this.#history, tail];
    }
    // Conversations of forty turns, as agents have them; then another one begins.
    if (this.#turns.length >= 40) this.#turns = [];
    this.#turns.push(Buffer.from(`,{"role":"user","content":"turn ${this.#turns.length}"}`));
    const conversation = Math.floor((this.#count - 1) / 40);
    const head = this.#head(`c${this.#name}`, conversation);
    return [head, this.#history, ...this.#turns, tail];
  }

  #head(name: string, count: number): Buffer {
    const stream = this.#streams ? '"stream":true,"stream_options":{"include_usage":true},' : '';
    return Buffer.from(
      `{${stream}"model":"gpt-4o","temperature":0,"messages":[{"role":"system","content":"You help. ${name}-${count}"}`,
    );
  }
}
