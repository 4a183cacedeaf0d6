import { matchesGlob } from '../../kernel/glob.ts';
import { memberNamed, bodySpans } from '../../kernel/json-spans.ts';
import { splice } from '../../kernel/splice.ts';

/** A model and the one that is asked in its place when money is short; both at the same provider. */
export interface CheaperModel {
  /** As callers write it; a pattern with `*` stands for many. */
  readonly from: string;
  readonly to: string;
  /** The provider's name in the configuration; undefined: any. */
  readonly provider: string | undefined;
}

/** The model to ask in place of another; undefined where it stays. */
export type CheaperOf = (provider: string, model: string) => string | undefined;

/** Longer names are nobody's, and patterns are not tried on them. */
const nameMax = 200;

/** The first entry that fits counts. */
export function cheaperOf(models: readonly CheaperModel[]): CheaperOf {
  return (provider, model) => {
    if (model.length > nameMax) return undefined;
    const found = models.find(
      ({ from, provider: only }) =>
        (only === undefined || only === provider) && matchesGlob(from, model),
    );
    return found === undefined || found.to === model ? undefined : found.to;
  };
}

/** The body with another model and everything else byte for byte as it was; undefined where it names none as text. */
export function withModel(body: Buffer, model: string): Buffer | undefined {
  const member = memberNamed(bodySpans(body), 'model');
  if (member === undefined || body[member.start] !== 0x22) return undefined;
  const { start, end } = member;
  return splice(body, [{ start, end, bytes: Buffer.from(JSON.stringify(model)) }]);
}
