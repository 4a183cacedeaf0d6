import { arrayOf, isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';

/** Schemas may refer to themselves. */
const depthMax = 32;

/**
 * `value` with what a JSON Schema says of members that are left out (`default`), so that a call that spells a default out and one that leaves
 * it out are one. Follows `properties`, `items`, `allOf` and references within the schema; where alternatives (`anyOf`, `oneOf`, `if`) would have
 * to be chosen between, nothing is filled in, which only parts calls that could have been one.
 */
export function withDefaults(value: JsonValue, schema: JsonObject): JsonValue {
  return fill(value, schema, schema, 0);
}

function fill(value: JsonValue, given: unknown, root: JsonObject, depth: number): JsonValue {
  const schema = resolved(given, root);
  if (schema === undefined || depth > depthMax) return value;
  let filled = value;
  for (const part of arrayOf(schema['allOf'])) filled = fill(filled, part, root, depth + 1);
  if (Array.isArray(filled)) {
    const { items } = schema;
    if (!isObject(items)) return filled;
    return (filled as readonly JsonValue[]).map((each) => fill(each, items, root, depth + 1));
  }
  return isObject(filled) ? fillMembers(filled, schema, root, depth) : filled;
}

function fillMembers(
  value: JsonObject,
  schema: JsonObject,
  root: JsonObject,
  depth: number,
): JsonObject {
  const { properties } = schema;
  if (!isObject(properties)) return value;
  const members = new Map(Object.entries(value));
  for (const [name, given] of Object.entries(properties)) {
    const present = members.get(name);
    const usual = present === undefined ? resolved(given, root)?.['default'] : present;
    if (usual !== undefined) members.set(name, fill(usual, given, root, depth + 1));
  }
  // Unlike assignment, this makes a member of the name `__proto__` too.
  return Object.fromEntries(members);
}

/** The schema behind its reference; undefined where that leads nowhere. */
function resolved(given: unknown, root: JsonObject): JsonObject | undefined {
  let schema = given;
  for (let steps = 0; isObject(schema) && steps < depthMax; steps++) {
    const reference = schema['$ref'];
    if (typeof reference !== 'string') return schema;
    if (!reference.startsWith('#')) return undefined;
    schema = targetOf(reference.slice(1), root);
  }
  return undefined;
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
