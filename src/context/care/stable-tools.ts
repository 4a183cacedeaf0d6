import { CanonicalForm } from '../../kernel/canonical.ts';
import { membersOf, type Span } from '../../kernel/json-members.ts';
import { scanJson } from '../../kernel/json-scan.ts';
import { isObject, parseJson, textOf } from '../../kernel/json.ts';
import { splice } from '../../kernel/splice.ts';
import { ownBytes } from '../../exchange/stream.ts';
import { BoundedMap } from '../../kernel/bounded-map.ts';
import { withoutMember } from './without-member.ts';

/** Larger tools are left as they are. */
const readableBytes = 128 * 1024;
const listsRemembered = 512;
const formsRemembered = 4096;

interface Ordered {
  readonly client: Buffer;
  readonly ordered: Buffer;
}

interface Tool {
  readonly name: string;
  readonly bytes: Buffer;
  /** The client's mark on it, as text. */
  readonly mark: string | undefined;
}

/**
 * Tools in the order of their names, each spelled as it was first seen, so that a client that shuffles them keeps one prefix. Values stay
 * byte for byte: what is moved are whole tools, and what is put in their place is an earlier text of the same value.
 */
export class StableTools {
  /** The latest lists, by who sent them. */
  readonly #lists = new BoundedMap<Ordered>(listsRemembered);
  /** The first spelling of each tool, by who sent it and its value. */
  readonly #spellings = new BoundedMap<Buffer>(formsRemembered);

  /**
   * The list in its stable form; the same bytes where it has it already, and where it cannot be read.
   * @param owner whose tools they are; nothing is shared across owners.
   */
  order(owner: string, body: Buffer, list: Span, items: readonly Span[], markName: string): Buffer {
    const client = body.subarray(list.start, list.end);
    const known = this.#lists.get(owner);
    if (known?.client.equals(client) === true) return known.ordered;
    const ordered = this.#ordered(owner, body, items, markName) ?? client;
    const kept = ownBytes(client);
    this.#lists.set(owner, { client: kept, ordered: ordered.equals(client) ? kept : ordered });
    return ordered;
  }

  #ordered(
    owner: string,
    body: Buffer,
    items: readonly Span[],
    markName: string,
  ): Buffer | undefined {
    const tools: Tool[] = [];
    for (const item of items) {
      const tool = this.#read(owner, body.subarray(item.start, item.end), markName);
      if (tool === undefined) return undefined;
      tools.push(tool);
    }
    const marked = tools.findIndex(({ mark }) => mark !== undefined);
    // A mark in the middle parts the tools into two kinds; to which of them each belongs is the client's business.
    if (marked >= 0 && marked < tools.length - 1) return undefined;
    const mark = tools.at(-1)?.mark;
    const sorted = tools.toSorted((one, other) => compareNames(one.name, other.name));
    const texts = sorted.map(({ bytes }, index) =>
      index === sorted.length - 1 && mark !== undefined ? withMark(bytes, mark) : bytes,
    );
    const comma = Buffer.from(',');
    const parts = texts.flatMap((text, index) => (index === 0 ? [text] : [comma, text]));
    return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')]);
  }

  #read(owner: string, bytes: Buffer, markName: string): Tool | undefined {
    if (bytes.length > readableBytes || scanJson(bytes).longNumber) return undefined;
    const { rest, value: mark } = withoutMember(bytes, markName);
    const parsed = parseJson(rest.toString('utf8'));
    if (!isObject(parsed)) return undefined;
    const inner = isObject(parsed['function']) ? parsed['function'] : parsed;
    const name = textOf(inner['name']) ?? textOf(parsed['type']);
    if (name === undefined) return undefined;
    const form = `${owner}\n${new CanonicalForm().of(parsed)}`;
    const first = this.#spellings.getOr(form, () => ownBytes(rest));
    return { name, bytes: first, mark };
  }
}

/** By code unit, which no locale changes. */
function compareNames(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

function withMark(tool: Buffer, mark: string): Buffer {
  const last = membersOf(tool, 0).at(-1);
  if (last === undefined) return tool;
  return splice(tool, [{ start: last.end, end: last.end, bytes: Buffer.from(`,${mark}`) }]);
}
