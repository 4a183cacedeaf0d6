const vowel = /[aeiouy]/;

/**
 * A word without the endings of number and tense: the first step of Porter's algorithm (Porter 1980, "An algorithm for
 * suffix stripping"), so that `painted` finds `painting`. Deeper stripping makes `universe` of `university`.
 * Words of other scripts come back as they are.
 */
export function stemOf(word: string): string {
  if (word.length <= 3) return word;
  const singular = withoutPlural(word);
  const present = withoutTense(singular);
  return present.endsWith('y') && present.length > 2 ? `${present.slice(0, -1)}i` : present;
}

function withoutPlural(word: string): string {
  if (word.endsWith('sses')) return word.slice(0, -2);
  if (word.endsWith('ies')) return word.slice(0, word.length > 4 ? -2 : -1);
  return word.endsWith('s') && !/(?:ss|us|is)$/.test(word) ? word.slice(0, -1) : word;
}

function withoutTense(word: string): string {
  if (word.endsWith('eed')) return word.slice(0, -1);
  const ending = ['ed', 'ing'].find((each) => word.endsWith(each));
  if (ending === undefined) return word;
  const rest = word.slice(0, -ending.length);
  return vowel.test(rest) ? mended(rest) : word;
}

/** `hop` of `hopp`, `make` of `mak`. */
function mended(rest: string): string {
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`;
  if (/([^aeiouylsz])\1$/.test(rest)) return rest.slice(0, -1);
  return /^[^aeiouy]*[aeiouy][^aeiouywx]$/.test(rest) ? `${rest}e` : rest;
}
