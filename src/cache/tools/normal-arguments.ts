import { CanonicalForm } from '../../kernel/canonical.ts';
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { jsonFault } from './json-fault.ts';
import { withDefaults } from './schema-defaults.ts';

/** How the arguments of a tool are brought to one form. */
export interface ArgumentTerms {
  /** JSON Schema of the first argument: what it says of members that are left out is filled in. */
  readonly schema: JsonObject | undefined;
  /** Paths within the first argument, such as `meta.request_id`, of what cannot change the result; `*` stands for any name or place. */
  readonly volatile: readonly string[];
  /** Paths within it of lists whose order and repetitions cannot change the result. */
  readonly sets: readonly string[];
  /** Whether texts count as the same in every Unicode form. */
  readonly nfc: boolean;
}

export type NormalArguments =
  | { readonly text: string; readonly fault?: never }
  /** Why no key can stand for them, for people. */
  | { readonly fault: string };

/**
 * One text for all spellings of the same arguments: order of members, `1.0` or `1`, defaults left out or spelt out, volatile members. It is never
 * given to the tool. What RFC 8785 cannot tell apart (whole numbers past 2^53) has no such text.
 */
export function normalArguments(values: readonly unknown[], terms: ArgumentTerms): NormalArguments {
  const fault = jsonFault(values);
  if (fault !== undefined) return { fault };
  const { schema, volatile, sets, nfc } = terms;
  const [first = {}, ...others] = values as readonly JsonValue[];
  const filled = [schema === undefined ? first : withDefaults(first, schema), ...others];
  const steps = { volatile: pathsOf(volatile), sets: pathsOf(sets), nfc, blurred: false };
  const normal = tidy(filled, [], steps);
  if (steps.blurred) return { fault: 'a whole number past 2^53' };
  return { text: new CanonicalForm().of(normal) };
}

type Path = readonly string[];

interface Steps {
  readonly volatile: readonly Path[];
  readonly sets: readonly Path[];
  readonly nfc: boolean;
  /** A number was met that a double cannot tell from its neighbour. */
  blurred: boolean;
}

function pathsOf(texts: readonly string[]): Path[] {
  return texts.map((text) => ['0', ...text.split('.')]);
}

function tidy(value: JsonValue, at: Path, steps: Steps): JsonValue {
  if (typeof value === 'string') return steps.nfc ? value.normalize('NFC') : value;
  if (typeof value === 'number') {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) steps.blurred = true;
    return value;
  }
  if (Array.isArray(value)) return tidyList(value as readonly JsonValue[], at, steps);
  return isObject(value) ? tidyMembers(value, at, steps) : value;
}

function tidyList(values: readonly JsonValue[], at: Path, steps: Steps): JsonValue {
  const list = values
    .map((each, index) => [each, [...at, String(index)]] as const)
    .filter(([, path]) => !steps.volatile.some((one) => leadsTo(one, path)))
    .map(([each, path]) => tidy(each, path, steps));
  if (!steps.sets.some((path) => leadsTo(path, at))) return list;
  const named = new Map(list.map((each) => [new CanonicalForm().of(each), each]));
  return [...named.keys()].sort().map((name) => named.get(name)!);
}

function tidyMembers(value: JsonObject, at: Path, steps: Steps): JsonObject {
  const members: [string, JsonValue][] = [];
  for (const [name, each] of Object.entries(value)) {
    if (each === undefined) continue;
    const path = [...at, name];
    if (steps.volatile.some((one) => leadsTo(one, path))) continue;
    members.push([steps.nfc ? name.normalize('NFC') : name, tidy(each, path, steps)]);
  }
  return Object.fromEntries(members);
}

function leadsTo(pattern: Path, path: Path): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((step, index) => step === '*' || step === path[index])
  );
}
