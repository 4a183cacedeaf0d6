import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  removal,
  resultSpan,
  withEdits,
  withReplacement,
  type ItemEdit,
} from '../../src/context/fitting/edits/history-edits.ts';
import { groupsOf } from '../../src/context/fitting/turns/groups.ts';
import { isFault, type Item } from '../../src/context/fitting/turns/item.ts';
import { turnReaders } from '../../src/context/fitting/turns/readers.ts';
import { removableUnits } from '../../src/context/fitting/turns/removable.ts';
import { bodySpans, memberNamed } from '../../src/kernel/json-spans.ts';
import { arrayOf, isObject, type JsonObject } from '../../src/kernel/json.ts';
import { fittedDialects, histories, rendered } from './histories.ts';
import { refusals } from './provider-rules.ts';

const chance = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 80, maxLength: 80 });
const spacing = fc.constantFrom(undefined, 1, '\t');

describe.each(fittedDialects)('edits of %s histories', (dialect) => {
  const reader = turnReaders[dialect]!;
  const read = (body: JsonObject): Item[] =>
    arrayOf(body[reader.list]).map((each) => {
      const item = reader.read(each);
      if (isFault(item)) throw new Error(item);
      return item;
    });
  const groupsIn = (items: readonly Item[]) => {
    const groups = groupsOf(items, reader);
    if (typeof groups === 'string') throw new Error(groups);
    return groups;
  };

  it('keep every rule of the provider, whatever is edited', () => {
    fc.assert(
      fc.property(histories, chance, spacing, (steps, lots, indent) => {
        const value = rendered(dialect, steps);
        expect(refusals(dialect, value)).toEqual([]);
        const body = Buffer.from(JSON.stringify(value, undefined, indent));
        const items = read(value);
        const spans = memberNamed(bodySpans(body), reader.list)!.items!;
        const edits = new Map<number, ItemEdit>();
        removableUnits(groupsIn(items), items.length - 1).forEach(({ from, to }, order) => {
          if (lots[order % lots.length]! > 1) return;
          for (let index = from; index < to; index++) edits.set(index, removal);
        });
        items.forEach((item, index) => {
          if (edits.has(index) || lots[(index * 7) % lots.length] === 0) return;
          const bytes = body.subarray(spans[index]!.start, spans[index]!.end);
          for (const { block, plain } of item.observations) {
            const span = resultSpan(bytes, reader, block);
            if (!plain || span === undefined) continue;
            const replacement = { ...span, bytes: Buffer.from('"left out"') };
            edits.set(index, withReplacement(edits.get(index), block, replacement));
          }
        });
        const edited = withEdits(body, spans, edits);
        const after = JSON.parse(edited.toString()) as JsonObject;
        expect(refusals(dialect, after)).toEqual([]);
        const isKept = (_: unknown, index: number): boolean => edits.get(index)?.removed !== true;
        const kept = arrayOf(value[reader.list]).filter(isKept);
        expect(arrayOf(after[reader.list])).toHaveLength(kept.length);
        // What has no edit is there byte for byte.
        spans.forEach((span, index) => {
          if (!edits.has(index)) {
            expect(edited.includes(body.subarray(span.start, span.end))).toBe(true);
          }
        });
        expect({ ...after, [reader.list]: 0 }).toEqual({ ...value, [reader.list]: 0 });
        if (edits.size === 0) expect(edited).toBe(body);
      }),
      { numRuns: 300 },
    );
  });

  it('groups cover the history, each call in the group of its result', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const items = read(rendered(dialect, steps));
        const groups = groupsIn(items);
        expect(groups.map(({ from }) => from)).toEqual([
          0,
          ...groups.slice(0, -1).map(({ to }) => to),
        ]);
        expect(groups.at(-1)!.to).toBe(items.length);
        for (const { from, to } of groups) {
          const inside = items.slice(from, to);
          expect(inside.flatMap(({ calls }) => calls).toSorted()).toEqual(
            inside.flatMap(({ results }) => results).toSorted(),
          );
        }
      }),
    );
  });

  it('a history that lost one item of an exchange is seen to be broken', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (steps, lot) => {
        const value = rendered(dialect, steps);
        const items = read(value);
        const paired = items.flatMap(({ calls, results }, index) =>
          calls.length + results.length > 0 ? [index] : [],
        );
        fc.pre(paired.length > 0);
        const lost = paired[lot % paired.length]!;
        const rest = items.filter((_, index) => index !== lost);
        expect(typeof groupsOf(rest, reader)).toBe('string');
      }),
    );
  });

  it('an image anywhere leaves the history alone', () => {
    const image: Readonly<Record<string, JsonObject>> = {
      'openai-chat': { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
      'openai-responses': { type: 'input_image', image_url: 'data:image/png;base64,AA==' },
      'anthropic-messages': { type: 'image', source: { type: 'base64', data: 'AA==' } },
    };
    const item = { role: 'user', content: [image[dialect]!] };
    expect(reader.read(item)).toBe('attachment');
    const unknown = { role: 'user', content: [{ type: 'hologram', text: 'x' }] };
    expect(reader.read(unknown)).toBe('unknown-part');
    expect(reader.read({ role: 'user', content: '' })).toBe('empty-content');
    expect(reader.read({ role: 'narrator', content: 'x' })).toBe('unknown-part');
    expect(isObject(item)).toBe(true);
  });
});
