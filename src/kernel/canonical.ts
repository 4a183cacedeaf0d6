import type { JsonObject, JsonValue } from './json.ts';
import { ExactNumber } from './strict-json.ts';

/**
 * Canonical form: one text for all spellings of a JSON value (order of members, white space, escapes, `1.0` or `1`)
 * and different texts for different values. Not JSON itself: lengths instead of quotes spare the escaping, a third of the
 * cost of RFC 8785 text. Strings are compared by code unit (no Unicode normalisation), as RFC 8785 does.
 */
export class CanonicalForm {
  /** Members seen so far; fewer than the text holds means that one was named twice. */
  members = 0;

  of(value: JsonValue | ExactNumber | undefined): string {
    if (typeof value === 'string') return stringForm(value);
    // -0 and 0 are the same JSON number to every provider.
    if (typeof value === 'number') return `d${value === 0 ? 0 : value};`;
    if (typeof value === 'boolean') return value ? 't' : 'f';
    if (value === null || value === undefined) return 'n';
    if (Array.isArray(value)) return this.#array(value as readonly JsonValue[]);
    if (value instanceof ExactNumber) return `D${value.source};`;
    return this.object(value as JsonObject);
  }

  /** The form of an object, without the members that `except` names. */
  object(value: JsonObject, except?: ReadonlySet<string>): string {
    const names = sorted(Object.keys(value));
    this.members += names.length;
    let text = 'o';
    for (const name of names) {
      if (except?.has(name) === true) this.of(value[name]);
      else text += stringForm(name) + this.of(value[name]);
    }
    return `${text}e`;
  }

  #array(values: readonly JsonValue[]): string {
    let text = 'a';
    for (const value of values) text += this.of(value);
    return `${text}e`;
  }
}

/** In place. Objects of requests have few members: for those, inserting one by one is a third of the cost of `sort`. */
function sorted(names: string[]): string[] {
  if (names.length > 12) return names.sort();
  for (let index = 1; index < names.length; index++) {
    const name = names[index]!;
    let place = index;
    for (; place > 0 && names[place - 1]! > name; place--) names[place] = names[place - 1]!;
    names[place] = name;
  }
  return names;
}

function stringForm(text: string): string {
  // A lone surrogate has no UTF-8 form and would hash like any other lone surrogate.
  return text.isWellFormed() ? `s${text.length}:${text}` : `u${JSON.stringify(text)};`;
}
