import MiniSearch from 'minisearch';
import { termsOf } from './terms.ts';

/** A turn as far as its relevance goes. */
export interface RankedTurn {
  readonly text: string;
  /** Turns of one session were said at one time about few things. Undefined where it is not known. */
  readonly session?: string | number | undefined;
}

/**
 * Okapi BM25 with the usual constants (Robertson and Zaragoza 2009); `d` of BM25+ is off. The library multiplies it by the number of
 * the question's terms that were found, so that a turn with two of them goes before one that has one twice.
 */
const bm25 = { k: 1.2, b: 0.75, d: 0 };

/** What a turn gains from what stands around it. */
export interface Shares {
  /** From the turn beside it, and half of that from the one after next: an answer lies beside its question. */
  readonly neighbour: number;
  /** From its whole session. */
  readonly session: number;
}

const usualShares: Shares = { neighbour: 0.5, session: 0.5 };

/** Tells how much each turn of a conversation has to do with a question. */
export type Relevance = (question: string) => Float64Array;

/**
 * The relevance of a conversation's turns, in no unit: BM25 of the turn, smoothed over its neighbours in the same session,
 * plus a share of BM25 of the session as a whole. None of the shares is fitted to a data set: they halve with each step away.
 * Indexing is most of the work, so one index serves many questions.
 */
export function relevanceOver(turns: readonly RankedTurn[], shares = usualShares): Relevance {
  const terms = turns.map(({ text }) => termsIn(text));
  const scoresOfTurns = indexOf(terms);
  const { placeOf, texts } = sessionsOf(turns, terms);
  const scoresOfSessions = indexOf(texts);
  return (question) => {
    const asked = termsIn(question);
    const own = scoresOfTurns(asked);
    const whole = scoresOfSessions(asked);
    return own.map((score, index) => {
      const { session } = turns[index]!;
      const near = (distance: number): number =>
        turns[index + distance]?.session === session ? (own[index + distance] ?? 0) : 0;
      const place = session === undefined ? undefined : placeOf.get(session);
      return (
        score +
        shares.neighbour * (near(-1) + near(1)) +
        (shares.neighbour / 2) * (near(-2) + near(2)) +
        shares.session * (place === undefined ? 0 : whole[place]!)
      );
    });
  };
}

/** The terms of a text, with a space between each two: found once, for its turn and its session. */
function termsIn(text: string): string {
  return termsOf(text).join(' ');
}

function sessionsOf(
  turns: readonly RankedTurn[],
  terms: readonly string[],
): {
  readonly placeOf: ReadonlyMap<string | number, number>;
  readonly texts: readonly string[];
} {
  const parts = new Map<string | number, string[]>();
  for (const [index, { session }] of turns.entries()) {
    if (session === undefined) continue;
    const known = parts.get(session);
    if (known === undefined) parts.set(session, [terms[index]!]);
    else known.push(terms[index]!);
  }
  return {
    placeOf: new Map([...parts.keys()].map((name, index) => [name, index])),
    texts: [...parts.values()].map((each) => each.join(' ')),
  };
}

/** Texts as their terms, to be asked for BM25 of each. */
function indexOf(texts: readonly string[]): Relevance {
  const index = new MiniSearch<{ readonly id: number; readonly text: string }>({
    fields: ['text'],
    tokenize: (terms) => terms.split(' '),
    processTerm: (term) => term,
    searchOptions: { bm25, prefix: false, fuzzy: false, combineWith: 'OR' },
  });
  index.addAll(texts.map((text, id) => ({ id, text })));
  return (question) => {
    const found = new Float64Array(texts.length);
    for (const { id, score } of index.search(question)) found[id as number] = score;
    return found;
  };
}
