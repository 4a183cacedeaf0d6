import { isObject, parseJson, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { Growing } from './growing.ts';

/** A text that changes from event to event: the name of its member, and the object of an event that has it. */
export interface ChangingText {
  readonly name: string;
  readonly holder: (event: JsonObject) => JsonValue | undefined;
}

interface Hole {
  readonly name: string;
  readonly holder: Growing;
  /** Where its text begins in the event that was learned from. */
  readonly start: number;
  readonly end: number;
}

/**
 * Parses the events of a stream, nearly all of which are the one before with another word in it. Such an event is told by what stands
 * around the word, at a tenth of the cost of a parse: with the same text around it, and a whole JSON string in the gap, it is the same event
 * but for that string. The object given for it is the one given before, changed: who reads it must take what it needs.
 */
export class AlikeJson {
  readonly #changing: readonly ChangingText[];
  #event: JsonObject = {};
  #holes: readonly Hole[] = [];
  /** What stands before, between and behind the holes. */
  #around: readonly string[] = [];

  constructor(changing: readonly ChangingText[]) {
    this.#changing = changing;
  }

  parse(text: string): JsonValue | undefined {
    if (this.#holes.length > 0 && this.#fill(text)) return this.#event;
    const event = parseJson(text);
    if (isObject(event)) this.#learn(text, event);
    return event;
  }

  /** True if `text` is the event learned with other texts in its holes, which they are then. */
  #fill(text: string): boolean {
    const found: string[] = [];
    let at = 0;
    for (let index = 0; index < this.#holes.length; index++) {
      const before = this.#around[index]!;
      if (!text.startsWith(before, at)) return false;
      const start = at + before.length;
      at = endOfText(text, start);
      const value = at < 0 ? undefined : textIn(text, start, at);
      if (value === undefined) return false;
      found.push(value);
    }
    const behind = this.#around.at(-1)!;
    if (text.length - at !== behind.length || !text.endsWith(behind)) return false;
    for (let index = 0; index < found.length; index++) {
      const { holder, name } = this.#holes[index]!;
      holder[name] = found[index]!;
    }
    return true;
  }

  #learn(text: string, event: JsonObject): void {
    const holes: Hole[] = [];
    for (const { name, holder } of this.#changing) {
      const object = holder(event);
      if (!isObject(object) || typeof object[name] !== 'string') continue;
      const opening = `"${name}":"`;
      const place = text.indexOf(opening);
      // Elsewhere in the event there may be a member of the same name: which of the two is meant would be a guess.
      if (place < 0 || text.includes(opening, place + 1)) return;
      const start = place + opening.length;
      holes.push({ name, holder: object, start, end: endOfText(text, start) });
    }
    if (holes.length === 0) return;
    holes.sort((one, other) => one.start - other.start);
    const ends = [0, ...holes.map(({ end }) => end)];
    const starts = [...holes.map(({ start }) => start), text.length];
    this.#around = starts.map((start, index) => text.slice(ends[index], start));
    this.#holes = holes;
    this.#event = event;
  }
}

/** Where the quote stands that closes the JSON string whose text begins at `from`; -1 if none does. */
function endOfText(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === 0x5c && at - 1 - escapes >= from) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return -1;
}

/** The value of the JSON string between two offsets; undefined where it is none. */
function textIn(text: string, from: number, to: number): string | undefined {
  const raw = text.slice(from, to);
  if (!/[\\\u0000-\u001f]/.test(raw)) return raw; // oxlint-disable-line no-control-regex -- these are what JSON forbids
  const value = parseJson(`"${raw}"`);
  return typeof value === 'string' ? value : undefined;
}
