/** First words of names that promise to change nothing. */
const readingWords = new Set(
  'calculate check compute count describe fetch find get head inspect list lookup peek query read search show stat think view'.split(
    ' ',
  ),
);

/**
 * Whether the name of a tool says that it only reads, such as `get_user_details` or `searchFlights`. A guess, for a replay of what has already
 * happened; a tool that is called is only kept where somebody has listed it.
 */
export function soundsReading(name: string): boolean {
  const first = /^[a-z]+|^[A-Z][a-z]*/.exec(name.replace(/^[^a-z]+/i, ''))?.[0];
  return first !== undefined && readingWords.has(first.toLowerCase());
}
