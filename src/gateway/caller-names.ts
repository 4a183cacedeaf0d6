import { EconomizerError } from '../kernel/errors.ts';
import { isName, isTag, longestTag, mostTags, nameForm } from '../kernel/names.ts';

/** The name in a header. @throws EconomizerError `ECO_BAD_HEADER`. */
export function nameFrom(header: string, value: string): string | undefined {
  const name = asText(value).trim();
  if (name === '') return undefined;
  if (isName(name)) return name;
  throw badHeader(header, `a name of ${nameForm}`);
}

/** Tags so far, and those in a header, each once. @throws EconomizerError `ECO_BAD_HEADER`. */
export function tagsFrom(
  before: readonly string[],
  header: string,
  value: string,
): readonly string[] {
  const tags = new Set(before);
  for (const part of asText(value).split(',')) {
    const tag = part.trim();
    if (tag !== '') tags.add(tag);
  }
  const list = [...tags];
  if (list.length <= mostTags && list.every(isTag)) return list;
  throw badHeader(
    header,
    `at most ${mostTags} tags of 1 to ${longestTag} characters, with commas between them`,
  );
}

/** Node gives the bytes of a header as one character each; clients that send more than ASCII mean UTF-8. */
function asText(value: string): string {
  if (!beyondAscii.test(value)) return value;
  const text = Buffer.from(value, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? value : text;
}

const beyondAscii = /[\u0080-\uffff]/;

/** The value is not repeated: it may be anything. */
function badHeader(header: string, allowed: string): EconomizerError {
  return new EconomizerError('ECO_BAD_HEADER', `${header} must be ${allowed}.`, { param: header });
}
