/** Parts of a request whose cost does not follow from its bytes. */
export type OpenPart =
  | 'stored-input' // input that the provider keeps: files, prompts, earlier responses
  | 'remote-input' // documents that the provider fetches
  | 'media-input' // audio, video, documents: their tokens do not follow from their bytes
  | 'server-tool' // tools that the provider runs as often as it likes
  | 'output-unknown' // output that no cap holds
  | 'price-unknown'; // a mode or a choice of models with a price that is not the model's

/** What a request says that decides how much it can cost; read once from its parsed body. */
export interface SpendTerms {
  /** Tokens of output that the caller allows for each answer; undefined where it does not say. */
  readonly outputCap: number | undefined;
  /** The body has a member for such a cap, whatever its value. */
  readonly namesCap: boolean;
  /** What the API's own documentation puts in its place. */
  readonly usualCap: number | undefined;
  /** A smaller cap would make the request invalid. */
  readonly leastCap: number;
  /** How many answers are written, each up to the cap. 0: this API writes none that is billed by the token. */
  readonly answers: number;
  /** The provider's searches that the request allows, where it says how many. */
  readonly searches: number;
  /** It asks for prompt-cache writes that live longer than usual, which may cost more. */
  readonly longWrites: boolean;
  /** It asks for thinking, which the provider may bill without showing it. */
  readonly thinks: boolean;
  /** It asks for a job that goes on when its caller has left, or has got its first answer. */
  readonly runsOn: boolean;
  /** Tokens that the provider's own templates may add to what the body's bytes cover. */
  readonly overhead: number;
  /** Images, inline or named; each is billed by its size in pixels. */
  readonly images: number;
  /** Bytes of the body that carry images and so are not billed as text. */
  readonly imageBytes: number;
  readonly open: ReadonlySet<OpenPart>;
}

/** The terms of a body with what bounds its input, of which later turns of its conversation and the provider's counts know better. */
export interface SpendFacts {
  readonly terms: SpendTerms;
  /** Length of the body that was read. */
  readonly bytes: number;
  /** Images and their bytes in the whole body. */
  readonly images: number;
  readonly imageBytes: number;
  /** Input tokens at most, without `uncounted` images. A provider's count of this very body, or of one that it continues, lowers it. */
  tokens: number;
  uncounted: number;
}

/** A token is at least one byte: of a body of which nothing else is known, the bytes are the bound. */
export function firstSpend(terms: SpendTerms, bytes: number): SpendFacts {
  const { images, imageBytes, overhead } = terms;
  const tokens = bytes - imageBytes + overhead;
  return { terms, bytes, images, imageBytes, tokens, uncounted: images };
}

/**
 * A body that is one read before with items added. What went before was bounded, perhaps counted; what was added is bounded by its bytes.
 * Templates set items apart by special tokens, so that no token spans both.
 * @param added terms of the same body with the added items alone.
 */
export function nextSpend(before: SpendFacts, added: SpendTerms, bytes: number): SpendFacts {
  const open = new Set([...before.terms.open, ...added.open]);
  return {
    terms: { ...added, open, longWrites: before.terms.longWrites || added.longWrites },
    bytes,
    images: before.images + added.images,
    imageBytes: before.imageBytes + added.imageBytes,
    tokens: before.tokens + (bytes - before.bytes) - added.imageBytes,
    uncounted: before.uncounted + added.images,
  };
}

/** What a provider's count may differ from its next count of the same text: a date in its system prompt, a template that was mended. */
const countSlack = 1.01;
const countMargin = 64;

/** Takes a provider's count of the input of this very body. */
export function noteCounted(spend: SpendFacts, inputTokens: number): void {
  const tokens = Math.ceil(inputTokens * countSlack) + countMargin;
  if (inputTokens <= 0 || (tokens >= spend.tokens && spend.uncounted === 0)) return;
  spend.tokens = tokens;
  spend.uncounted = 0;
}

/**
 * Input tokens at most of `sentBytes` of body that may have been edited since it was read. Edits that add (cache marks, a cap) add at most
 * their bytes; of an edit that leaves parts out no count holds, so its bytes do.
 */
export function inputBound(spend: SpendFacts, sentBytes: number, tokensPerImage: number): number {
  const { bytes, tokens, uncounted, images, imageBytes, terms } = spend;
  if (sentBytes >= bytes) return tokens + (sentBytes - bytes) + uncounted * tokensPerImage;
  return Math.min(sentBytes, bytes - imageBytes) + terms.overhead + images * tokensPerImage;
}
