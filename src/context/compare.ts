import { commonPrefix } from '../kernel/json-spans.ts';
import { textSpan, type PromptLayout, type Region, type RegionName } from './layout.ts';

/** A request as it stands in its bytes. */
export interface LaidOut {
  readonly body: Buffer;
  readonly layout: PromptLayout;
}

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
    const texts = [textOf(earlier.body, one), textOf(now.body, other)] as const;
    const from = one.member.start === other.member.start ? known - one.member.start : 0;
    const shortest = Math.min(texts[0].length, texts[1].length);
    const same = commonPrefix(...texts, Math.max(0, Math.min(from, shortest)));
    sharedBytes += same;
    if (isContinued(name, texts, same)) continue;
    const item = same === texts[1].length ? other.items.length : itemAt(other, same);
    return { sharedBytes, divergence: { region: name, item, offset: same } };
  }
  return { sharedBytes, divergence: undefined };
}

/** Messages may grow, or be those of an earlier moment; tools and system must stay as they are. */
function isContinued(
  name: RegionName,
  [one, other]: readonly [Buffer, Buffer],
  same: number,
): boolean {
  if (name === 'messages') return same === one.length || same === other.length;
  return same === one.length && same === other.length;
}

function textOf(body: Buffer, region: Region): Buffer {
  const { start, end } = textSpan(region);
  return body.subarray(start, end);
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
