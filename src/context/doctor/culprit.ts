import { isObject, parseJson, textOf, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import type { Comparison, Divergence } from '../compare.ts';
import type { LaidOut } from '../layout.ts';
import { regionOf, type Region, type RegionName } from '../layout.ts';
import { firstDifference } from './text-difference.ts';
import { sameButForOrder, sameSpelling } from './likeness.ts';
import type { Culprit } from './cause.ts';

/** Larger items are not looked into; their place is named all the same. */
const readableBytes = 128 * 1024;

/**
 * Names what makes a request diverge from the one before it. Undefined where only white space or escapes differ, which no provider
 * sees. Runs only when prefixes differ, so it may parse.
 */
export function culpritOf(earlier: LaidOut, now: LaidOut, found: Comparison): Culprit | undefined {
  let divergence = found.divergence;
  while (divergence !== undefined) {
    const culprit = culpritAt(earlier, now, divergence);
    if (culprit !== undefined) return culprit;
    divergence = nextDivergence(earlier, now, divergence);
  }
  return undefined;
}

const order: readonly RegionName[] = ['tools', 'system', 'messages'];

/** The next item that differs, once the one at `divergence` has turned out to be the same but for its spelling. */
function nextDivergence(
  earlier: LaidOut,
  now: LaidOut,
  { region: from, item }: Divergence,
): Divergence | undefined {
  for (const name of order.slice(order.indexOf(from))) {
    const one = regionOf(earlier.layout, name);
    const other = regionOf(now.layout, name);
    if (one === undefined && other === undefined) continue;
    if (one === undefined || other === undefined) return { region: name, item: 0, offset: 0 };
    const known = name === 'messages' ? Math.min(one.items.length, other.items.length) : Infinity;
    const last = Math.min(known, Math.max(one.items.length, other.items.length));
    for (let index = name === from ? item + 1 : 0; index < last; index++) {
      if (!itemBytes(earlier, one, index).equals(itemBytes(now, other, index))) {
        return { region: name, item: index, offset: 0 };
      }
    }
  }
  return undefined;
}

function culpritAt(earlier: LaidOut, now: LaidOut, divergence: Divergence): Culprit | undefined {
  const { region: name, item } = divergence;
  const one = regionOf(earlier.layout, name);
  const other = regionOf(now.layout, name);
  if (name === 'tools') return toolsCulprit(earlier, now, one, other, item);
  const before = one && read(earlier, one, item);
  const after = other && read(now, other, item);
  if (before !== undefined && after !== undefined && sameSpelling(before, after)) return undefined;
  const isSystem = name === 'system' || isSystemMessage(before) || isSystemMessage(after);
  // Of a system prompt the model sees the text alone.
  const isSame = before !== undefined && after !== undefined && sameButForOrder(before, after);
  if (isSystem && isSame) return undefined;
  if (isSystem) return systemCulprit(before, after, `${memberName(other ?? one!)}[${item}]`);
  return historyCulprit(before, after, `${memberName(other ?? one!)}[${item}]`);
}

function toolsCulprit(
  earlier: LaidOut,
  now: LaidOut,
  one: Region | undefined,
  other: Region | undefined,
  item: number,
): Culprit | undefined {
  const before = toolsIn(earlier, one);
  const after = toolsIn(now, other);
  const names = [before.map(nameOfTool), after.map(nameOfTool)] as const;
  const gone = names[0].filter((each) => !names[1].includes(each));
  const come = names[1].filter((each) => !names[0].includes(each));
  const place = `tools[${item}]${after[item] === undefined ? '' : ` ${nameOfTool(after[item])}`}`;
  if (gone.length > 0 || come.length > 0) {
    const changes = [...gone.map((each) => `- ${each}`), ...come.map((each) => `+ ${each}`)];
    return { cause: 'tool-set-changed', place, example: short(changes.join(', ')) };
  }
  if (names[0].join('\n') !== names[1].join('\n')) {
    return {
      cause: 'tools-reordered',
      place,
      example: short(`${names[0].join(', ')} -> ${names[1].join(', ')}`),
    };
  }
  const differing = after.findIndex((tool, index) => !sameSpelling(before[index], tool));
  if (differing < 0) return undefined;
  const [was, is] = [before[differing]!, after[differing]!];
  const isSame = sameButForOrder(was, is);
  return {
    cause: isSame ? 'tools-reserialised' : 'tool-set-changed',
    place: `tools[${differing}] ${nameOfTool(is)}`,
    example: firstDifference(JSON.stringify(was), JSON.stringify(is)).example,
  };
}

function systemCulprit(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  place: string,
): Culprit {
  const difference = firstDifference(systemText(before), systemText(after));
  return {
    cause: volatileCauses[difference.kind],
    place: `${place}, line ${difference.line}`,
    example: difference.example,
  };
}

const volatileCauses = {
  time: 'timestamp-in-system',
  id: 'id-in-system',
  other: 'system-edited',
} as const;

function historyCulprit(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  place: string,
): Culprit {
  const isSame = before !== undefined && after !== undefined && sameButForOrder(before, after);
  return {
    cause: isSame ? 'history-reserialised' : 'history-edited',
    place,
    example: firstDifference(JSON.stringify(before) ?? '', JSON.stringify(after) ?? '').example,
  };
}

function isSystemMessage(item: JsonValue | undefined): boolean {
  return isObject(item) && (item['role'] === 'system' || item['role'] === 'developer');
}

/** What a system prompt says, its parts one below the other; anything else as JSON. */
function systemText(item: JsonValue | undefined): string {
  if (item === undefined) return '';
  if (typeof item === 'string') return item;
  const content = isObject(item) ? (item['content'] ?? item['text']) : undefined;
  if (typeof content === 'string') return content;
  if (Array.isArray(content)) return content.map((part: JsonValue) => systemText(part)).join('\n');
  return JSON.stringify(item);
}

function toolsIn(request: LaidOut, region: Region | undefined): JsonObject[] {
  if (region === undefined) return [];
  return region.items.map((_, index) => {
    const tool = read(request, region, index);
    return isObject(tool) ? tool : {};
  });
}

function nameOfTool(tool: JsonObject): string {
  const inner = isObject(tool['function']) ? tool['function'] : tool;
  return textOf(inner['name']) ?? textOf(tool['type']) ?? '?';
}

function memberName({ member }: Region): string {
  return member.name ?? '?';
}

function itemBytes({ body }: LaidOut, region: Region, index: number): Buffer {
  const item = region.items[index];
  return item === undefined ? Buffer.alloc(0) : body.subarray(item.start, item.end);
}

function read(request: LaidOut, region: Region, index: number): JsonValue | undefined {
  const bytes = itemBytes(request, region, index);
  return bytes.length > readableBytes ? undefined : parseJson(bytes.toString('utf8'));
}

function short(text: string): string {
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
