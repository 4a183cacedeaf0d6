/** Estimates how many tokens a text is, for answers that ended before the provider counted them. */
export interface TokenEstimator {
  /** About how many tokens `text` is for `model`; for OpenAI's models within a percent for texts of ordinary length. */
  estimate(model: string, text: string): Promise<number>;
  /** Learns a model's characters per token from a text that its provider has counted. */
  learn(model: string, text: string, tokens: number): void;
}

type CountTokens = (text: string) => number;

/** Characters per token of mixed text and code: a quarter of the characters is 0.84 times the true count. */
const usualCharactersPerToken = 3.36;
/** The weight of one more lesson in the running mean. */
const learningRate = 0.1;
const leastLesson = 200;
const modelsLimit = 1000;

/** A tokenizer's time grows with the square of an unbroken run, so it gets the text in slices ... */
const sliceLength = 512;
/** ... and of a long text only as many slices as it counts within 20 milliseconds whatever is in them. */
const sampledSlices = 16;

export function createTokenEstimator(): TokenEstimator {
  const charactersPerToken = new Map<string, number>();
  let loading: Promise<CountTokens> | undefined;
  return {
    async estimate(model, text) {
      if (text === '') return 0;
      const learnt = charactersPerToken.get(model);
      if (!isOpenAi(model)) return Math.ceil(text.length / (learnt ?? usualCharactersPerToken));
      // Loaded when first needed: the vocabulary takes a quarter of a second and 70 MB.
      loading ??= loadTokenizer();
      return countSampled(text, await loading);
    },
    learn(model, text, tokens) {
      if (tokens <= 0 || text.length < leastLesson) return;
      const known = charactersPerToken.get(model);
      if (known === undefined && charactersPerToken.size >= modelsLimit) return;
      const ratio = text.length / tokens;
      charactersPerToken.set(
        model,
        known === undefined ? ratio : known + learningRate * (ratio - known),
      );
    },
  };
}

function isOpenAi(model: string): boolean {
  return /^(?:gpt-|chatgpt-|o[134](?:-|$)|codex|text-embedding-|openai\/)/.test(model);
}

async function loadTokenizer(): Promise<CountTokens> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  // What looks like a special token in somebody's text is text.
  const asText = { disallowedSpecial: new Set<string>() };
  return (text) => countTokens(text, asText);
}

/** Counts evenly spread slices and reckons the whole from them; all slices where there are few. */
function countSampled(text: string, countTokens: CountTokens): number {
  const slices = Math.ceil(text.length / sliceLength);
  const stride = Math.max(1, slices / sampledSlices);
  let counted = 0;
  let tokens = 0;
  for (let index = 0; index < slices; index += stride) {
    const slice = sliceAt(text, Math.floor(index));
    counted += slice.length;
    tokens += countTokens(slice);
  }
  return counted === 0 ? 0 : Math.round((tokens * text.length) / counted);
}

/** The slice, its borders moved back to white space where there is some near, so that few words are cut. */
function sliceAt(text: string, index: number): string {
  return text.slice(
    borderNear(text, index * sliceLength),
    borderNear(text, (index + 1) * sliceLength),
  );
}

function borderNear(text: string, position: number): number {
  if (position === 0 || position >= text.length) return Math.min(position, text.length);
  const near = Math.max(0, position - 63);
  const space = text.slice(near, position + 1).lastIndexOf(' ');
  return space < 0 ? position : near + space;
}
