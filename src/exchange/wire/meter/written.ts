/** Longer than this are no tokens on average over any text, and those only in endless runs of one character. */
const bytesPerTokenAtMost = 160;
/** Tokenizers divide texts into words, numbers, marks and line ends before they merge; a few newer ones join common pairs. */
const tokensPerPieceAtLeast = 0.8;
/** Han, kana and hangul have no spaces; a token is seldom more than three of them. */
const tokensPerIdeographAtLeast = 0.25;
const firstIdeograph = 0x2e_80;
const usualBytesPerToken = 3.4;
/** What begins a block, a call or a message, and is not seen. */
const framingTokens = 16;

/** Kinds of characters. */
const space = 0;
const word = 1;
const digit = 2;
const mark = 3;
const lineEnd = 4;
/** It may belong to the word before it, as in `don't`, so it changes nothing. */
const apostrophe = 5;

/** Counts what a model wrote, piece by piece, without a tokenizer: between how many and how many tokens it is. */
export class Written {
  #bytes = 0;
  #pieces = 0;
  #ideographs = 0;
  /** The kind of the last character, and how many marks run up to it. */
  #last = space;
  #marks = 0;
  #unseen = 0;

  /** A piece of text that the provider bills as it stands. */
  add(text: string): void {
    let bytes = text.length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code >= firstIdeograph) this.#ideographs++;
      this.#follow(kindOf(code));
      // A half of a surrogate pair is two of its four bytes.
      if (code > 0x7f) bytes += code > 0x7_ff && (code < 0xd8_00 || code > 0xdf_ff) ? 2 : 1;
    }
    this.#bytes += bytes;
  }

  /** What is billed, but not by the letters that are seen: sound, sealed thoughts, summaries. */
  addHidden(bytes: number): void {
    this.#unseen += bytes;
  }

  /** What begins a block, a call or a message. */
  addFraming(): void {
    this.#unseen += framingTokens;
  }

  /** No fewer than these. */
  get atLeast(): number {
    const byPieces =
      this.#pieces * tokensPerPieceAtLeast + this.#ideographs * tokensPerIdeographAtLeast;
    return Math.floor(Math.max(byPieces, this.#bytes / bytesPerTokenAtMost));
  }

  /** No more than these: a token is at least a byte. */
  get atMost(): number {
    return this.#bytes + this.#unseen;
  }

  /** About so many. */
  get likely(): number {
    return Math.max(this.atLeast, Math.round(this.#bytes / usualBytesPerToken));
  }

  /** Takes note of a character that begins a piece of its own. */
  #follow(kind: number): void {
    const last = this.#last;
    if (kind === apostrophe) return;
    if (kind === mark) {
      this.#marks = last === mark ? this.#marks + 1 : 1;
      this.#last = mark;
      return;
    }
    // One mark goes with the word behind it, a line end with the marks before it.
    if (last === mark && (kind !== word || this.#marks > 1)) this.#pieces++;
    if (kind === lineEnd) {
      if (last === word || last === digit) this.#pieces++;
    } else if (kind !== last && kind !== space) this.#pieces++;
    // A run of white space is one piece however many lines it has.
    this.#last = kind === space && last === lineEnd ? lineEnd : kind;
  }
}

function kindOf(code: number): number {
  if (code > 0x7f) return code < firstIdeograph ? word : space;
  if ((code > 0x60 && code < 0x7b) || (code > 0x40 && code < 0x5b)) return word;
  if (code > 0x2f && code < 0x3a) return digit;
  if (code === 0x0a || code === 0x0d) return lineEnd;
  if (code <= 0x20) return space;
  return code === 0x27 ? apostrophe : mark;
}
