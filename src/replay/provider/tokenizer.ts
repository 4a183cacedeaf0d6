/** Text to token ids, remembered: agents send the same messages again and again. */
export interface Tokenizer {
  /** Token ids of `text`; special tokens count as the text that they are. The array is shared and must not be changed. */
  ids(text: string): Uint32Array;
}

type Encode = (text: string, options: { disallowedSpecial: Set<string> }) => Iterable<number>;

/** Byte pair encoding costs the square of a run that nothing divides, so longer runs are cut. Counts shift by a token or so a cut. */
const longestRun = 128;
const endlessRun = new RegExp(String.raw`\S{${longestRun + 1},}|\s{${longestRun + 1},}`);
const pieces = new RegExp(String.raw`\S{1,${longestRun}}|\s{1,${longestRun}}`, 'g');
const nothingSpecial = { disallowedSpecial: new Set<string>() };

/** Remembered ids: 16 MB of them, whatever the texts. */
const rememberedTokens = 4_000_000;

/**
 * The tokenizer of OpenAI's current models (`o200k_base`), which also stands in for those of other providers,
 * who do not publish theirs. Loaded on demand: its tables take a third of a second.
 */
export async function loadTokenizer(): Promise<Tokenizer> {
  const { encode } = await import('gpt-tokenizer/encoding/o200k_base');
  return rememberingTokenizer(encode, rememberedTokens);
}

/** `encode` with the least recently used texts forgotten beyond `limit` tokens. */
export function rememberingTokenizer(encode: Encode, limit: number): Tokenizer {
  const known = new Map<string, Uint32Array>();
  let held = 0;
  return {
    ids(text) {
      const found = known.get(text);
      if (found !== undefined) {
        known.delete(text);
        known.set(text, found);
        return found;
      }
      const made = Uint32Array.from(encodeSafely(encode, text));
      known.set(text, made);
      held += made.length;
      for (const [oldest, ids] of known) {
        if (held <= limit || oldest === text) break;
        known.delete(oldest);
        held -= ids.length;
      }
      return made;
    },
  };
}

function* encodeSafely(encode: Encode, text: string): Iterable<number> {
  if (!endlessRun.test(text)) {
    yield* encode(text, nothingSpecial);
    return;
  }
  // Cutting everywhere would part words from their spaces; only texts with an endless run are cut, and only there.
  let plain = '';
  for (const [piece] of text.matchAll(pieces)) {
    if (piece.length < longestRun) {
      plain += piece;
      continue;
    }
    if (plain !== '') yield* encode(plain, nothingSpecial);
    plain = '';
    yield* encode(piece, nothingSpecial);
  }
  if (plain !== '') yield* encode(plain, nothingSpecial);
}
