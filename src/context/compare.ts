import type { Span } from '../kernel/json-members.ts';
import { commonPrefix } from '../kernel/json-spans.ts';
import { textSpan, type LaidOut, type Region, type RegionName } from './layout.ts';

/** The first place at which a request is not the continuation of an earlier one. */
export interface Divergence {
  readonly region: RegionName;
  /** Index of the item that differs, in both requests. */
  readonly item: number;
  /** Bytes from the beginning of the region. */
  readonly offset: number;
}

export interface Comparison {
  /** Bytes that both prompts begin with, in prompt order. */
  readonly sharedBytes: number;
  /** Undefined where the request continues the earlier one, or is a beginning of it. */
  readonly divergence: Divergence | undefined;
}

const order: readonly RegionName[] = ['tools', 'system', 'messages'];

/**
 * Compares two requests in prompt order by the machine's own comparison of bytes.
 * @param known so many bytes from the beginning of both bodies are known to be equal.
 */
export function comparePrompts(earlier: LaidOut, now: LaidOut, known = 0): Comparison {
  let sharedBytes = 0;
  for (const name of order) {
    const one = earlier.layout.find((region) => region.name === name);
    const other = now.layout.find((region) => region.name === name);
    if (one === undefined && other === undefined) continue;
    if (one === undefined || other === undefined) {
      return { sharedBytes, divergence: { region: name, item: 0, offset: 0 } };
    }
    const found = shared(textOf(earlier, one), textOf(now, other), known);
    sharedBytes += found.bytes;
    if (isContinued(name, found)) continue;
    const offset = found.at - other.member.start;
    const item = found.isAll ? other.items.length : itemAt(other, offset);
    return { sharedBytes, divergence: { region: name, item, offset } };
  }
  return { sharedBytes, divergence: undefined };
}

/** A region's text, and what in it is no content. */
interface Text extends Span {
  readonly body: Buffer;
  readonly cuts: readonly Span[];
}

function textOf({ body, cuts }: LaidOut, region: Region): Text {
  const span = textSpan(region);
  const own = cuts.filter(({ start, end }) => start >= span.start && end <= span.end);
  return { ...span, body, cuts: own };
}

interface Shared {
  /** Bytes of content that both begin with. */
  readonly bytes: number;
  /** Where in the later body the first that differs stands. */
  readonly at: number;
  /** They are all of the earlier text, and of the later. */
  readonly wasAll: boolean;
  readonly isAll: boolean;
}

/** Compares two texts stretch by stretch, from cut to cut. */
function shared(one: Text, other: Text, known: number): Shared {
  let [was, is, bytes] = [one.start, other.start, 0];
  for (;;) {
    was = past(one.cuts, was);
    is = past(other.cuts, is);
    const length = Math.min(nextCut(one, was) - was, nextCut(other, is) - is);
    if (length === 0) break;
    const spared = was === is ? Math.max(0, Math.min(length, known - was)) : 0;
    const same = commonPrefix(
      one.body.subarray(was, was + length),
      other.body.subarray(is, is + length),
      spared,
    );
    was += same;
    is += same;
    bytes += same;
    if (same < length) break;
  }
  return { bytes, at: is, wasAll: was === one.end, isAll: is === other.end };
}

function past(cuts: readonly Span[], at: number): number {
  let to = at;
  for (const cut of cuts) if (cut.start === to) to = cut.end;
  return to;
}

function nextCut({ cuts, end }: Text, at: number): number {
  for (const cut of cuts) if (cut.start >= at) return cut.start;
  return end;
}

/** Messages may grow, or be those of an earlier moment; tools and system must stay as they are. */
function isContinued(name: RegionName, { wasAll, isAll }: Shared): boolean {
  return name === 'messages' ? wasAll || isAll : wasAll && isAll;
}

/** The item at or before which the bytes from the region's beginning lie. */
export function itemAt(region: Region, offset: number): number {
  const at = region.member.start + offset;
  let low = 0;
  let high = region.items.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (region.items[middle]!.end > at) high = middle;
    else low = middle + 1;
  }
  return low;
}
