import { stemOf } from './stem.ts';
import { stopWords } from './stop-words.ts';

const words = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts that put no spaces between words. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
/** A longer run of letters is data, not a word; its beginning tells it apart well enough. */
const longestWord = 64;

/** The terms by which a text is found: words in lower case, stemmed, without stop words; pairs of characters where words are not spaced. */
export function termsOf(text: string): string[] {
  const terms: string[] = [];
  for (const [word] of text.toLowerCase().matchAll(words)) {
    if (stopWords.has(word)) continue;
    if (unspaced.test(word)) terms.push(...pairsOf(word));
    else terms.push(stemOf(word.slice(0, longestWord)));
  }
  return terms;
}

function pairsOf(word: string): string[] {
  const characters = Array.from(word);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => characters[index]! + character);
}
