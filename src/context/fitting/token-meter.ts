import { loadTokenCount, type CountTokens } from '../../kernel/token-count.ts';
import { BoundedMap } from '../../kernel/bounded-map.ts';

/** Before the tokenizer is there, and where counting would take too long: bytes of JSON text per token. */
const usualBytesPerToken = 4;
/** The weight of one more lesson in the running mean. */
const learningRate = 0.2;
const leastLesson = 500;
const rememberedModels = 1000;

/** Whose tokenizer we have: for these the count needs no calibration, only for what a provider adds of its own. */
const exactModels = /^(?:openai\/)?(?:gpt-|chatgpt-|o[134](?:-|$)|codex)/;

/**
 * Counts tokens as a model's provider does: exactly for OpenAI's models, for others by the same tokenizer times a factor that
 * is learned from the usage that the provider returns.
 */
export class TokenMeter {
  readonly #factors = new BoundedMap<number>(rememberedModels);
  readonly #load: () => Promise<CountTokens>;
  #loading: Promise<void> | undefined;
  #count: CountTokens | undefined;

  constructor(load: () => Promise<CountTokens> = loadTokenCount) {
    this.#load = load;
  }

  /** Resolves when texts can be counted. */
  async ready(): Promise<void> {
    if (this.#count !== undefined) return;
    this.#loading ??= this.#load().then((count) => {
      this.#count = count;
    });
    await this.#loading;
  }

  /** Tokens of a text before the model's factor; what `factorOf` is for. */
  count(text: string): number {
    return this.#count === undefined
      ? Math.ceil(text.length / usualBytesPerToken)
      : this.#count(text);
  }

  /** About how many tokens so many bytes of a request are. */
  estimate(bytes: number): number {
    return Math.ceil(bytes / usualBytesPerToken);
  }

  /** What the model's own tokens are to ours. */
  factorOf(model: string): number {
    return this.#factors.get(model) ?? 1;
  }

  /** The provider counted a request of which we had counted so much. */
  learn(model: string, counted: number, provider: number): void {
    if (counted < leastLesson || provider <= 0 || exactModels.test(model)) return;
    const known = this.#factors.get(model);
    const ratio = provider / counted;
    this.#factors.set(model, known === undefined ? ratio : known + learningRate * (ratio - known));
  }
}
