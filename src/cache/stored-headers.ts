const kept = new Set(['content-type', 'openai-model', 'openai-version']);

/** Of the vendor's own fields, those that tell of one call or one account and so not of the answer. */
const ofOneCall = /^anthropic-(?:ratelimit|priority|organization|fast)/;

/**
 * The provider's fields that are kept with an answer and repeated with it: its type and what the vendor says of the model. A
 * list of what is kept, since whatever it does not know (cookies, rate limits, ids, dates, lengths) belongs to one call only.
 * Takes and gives names and values in turn.
 */
export function storedHeaders(headers: readonly string[]): string[] {
  const stored: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index]!;
    if (isKept(name.toLowerCase())) stored.push(name, headers[index + 1]!);
  }
  return stored;
}

function isKept(name: string): boolean {
  return kept.has(name) || (name.startsWith('anthropic-') && !ofOneCall.test(name));
}
