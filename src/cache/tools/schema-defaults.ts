import { arrayOf, isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** Schemas may refer to themselves: filling in ends at this depth, */
const depthMax = 32;
/** and where it would be more than so many steps, nothing is filled in. */
const stepsMax = 10_000;

/**
 * `value` with what a JSON Schema says of members that are left out (`default`), so that a call that spells a default out and one that leaves
 * it out are one. Follows `properties`, `items`, `allOf` and references within the schema; where alternatives (`anyOf`, `oneOf`, `if`) would have
 * to be chosen between, nothing is filled in, which only parts calls that could have been one.
 */
export function withDefaults(value: JsonValue, schema: JsonObject): JsonValue {
  const filler = new Filler(schema);
  const filled = filler.fill(value, schema, 0);
  return filler.steps > stepsMax ? value : filled;
}

class Filler {
  readonly #root: JsonObject;
  steps = 0;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  fill(value: JsonValue, given: unknown, depth: number): JsonValue {
    if (++this.steps > stepsMax || depth > depthMax) return value;
    let filled = value;
    for (const schema of this.#chain(given)) {
      for (const part of arrayOf(schema['allOf'])) filled = this.fill(filled, part, depth + 1);
      if (Array.isArray(filled)) {
        const { items } = schema;
        if (!isObject(items)) continue;
        filled = (filled as readonly JsonValue[]).map((each) => this.fill(each, items, depth + 1));
      } else if (isObject(filled)) filled = this.#members(filled, schema, depth);
    }
    return filled;
  }

  #members(value: JsonObject, schema: JsonObject, depth: number): JsonObject {
    const { properties } = schema;
    if (!isObject(properties)) return value;
    const members = new Map(Object.entries(value));
    for (const [name, given] of Object.entries(properties)) {
      const present = members.get(name);
      const usual = present === undefined ? this.#usual(given) : present;
      if (usual !== undefined) members.set(name, this.fill(usual, given, depth + 1));
    }
    // Unlike assignment, this makes a member of the name `__proto__` too.
    return Object.fromEntries(members);
  }

  /** What a member is that is left out; what stands beside a reference goes before what it leads to. */
  #usual(given: unknown): JsonValue | undefined {
    return this.#chain(given).find((schema) => schema['default'] !== undefined)?.['default'];
  }

  /** A schema and what its references lead to; they may lead nowhere, or in circles. */
  #chain(given: unknown): readonly JsonObject[] {
    const chain: JsonObject[] = [];
    let schema = given;
    while (isObject(schema) && !chain.includes(schema)) {
      chain.push(schema);
      const reference = schema['$ref'];
      const isOwn = typeof reference === 'string' && reference.startsWith('#');
      schema = isOwn ? targetOf(reference.slice(1), this.#root) : undefined;
    }
    return chain;
  }
}

/** What a JSON Pointer (RFC 6901) leads to. */
function targetOf(pointer: string, root: JsonObject): unknown {
  let target: unknown = root;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(target) || !Object.hasOwn(target, name)) return undefined;
    target = target[name];
  }
  return target;
}
