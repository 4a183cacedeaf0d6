/** No tokenizer's tokens are longer than this on average over a text, whatever it is made of. */
const bytesPerTokenAtMost = 32;
/** Tokenizers divide texts at words before they merge; a few newer ones join common pairs. */
const tokensPerWordAtLeast = 0.8;
/** Han, kana and hangul have no spaces; a token is seldom more than three of them. */
const tokensPerIdeographAtLeast = 0.25;
const firstIdeograph = 0x2e_80;
const usualBytesPerToken = 3.4;

/** Counts what a model wrote, piece by piece, without a tokenizer: between how many and how many tokens it is. */
export class Written {
  #bytes = 0;
  #words = 0;
  #ideographs = 0;
  #inWord = false;
  /** Tokens that no text shows: names of roles, openings of calls. */
  #framing = 0;
  #hiddenBytes = 0;

  /** A piece of text that the provider bills as it stands. */
  add(text: string): void {
    let bytes = text.length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      const isWord = (code > 0x60 && code < 0x7b) || (code > 0x40 && code < 0x5b) || code > 0x7f;
      if (code >= firstIdeograph) this.#ideographs++;
      else if (isWord && !this.#inWord) this.#words++;
      this.#inWord = isWord;
      // A half of a surrogate pair is two of its four bytes.
      if (code > 0x7f) bytes += code > 0x7_ff && (code < 0xd8_00 || code > 0xdf_ff) ? 2 : 1;
    }
    this.#bytes += bytes;
  }

  /** What is billed, but not by the letters that are seen: sound, sealed thoughts, summaries. */
  addHidden(bytes: number): void {
    this.#hiddenBytes += bytes;
  }

  /** What begins a block, a call or a message. */
  addFraming(): void {
    this.#framing += framingTokens;
  }

  /** No fewer than these. */
  get atLeast(): number {
    const byWords =
      this.#words * tokensPerWordAtLeast + this.#ideographs * tokensPerIdeographAtLeast;
    return Math.floor(Math.max(byWords, this.#bytes / bytesPerTokenAtMost));
  }

  /** No more than these: a token is at least a byte. */
  get atMost(): number {
    return this.#bytes + this.#hiddenBytes + this.#framing;
  }

  /** About so many. */
  get likely(): number {
    return Math.max(this.atLeast, Math.round(this.#bytes / usualBytesPerToken));
  }
}

const framingTokens = 16;
