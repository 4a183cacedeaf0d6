import { isMap, isNode, isPair, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type { Path } from './fault.ts';

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A fault of the text itself, before anything is known of its meaning. */
export interface TextFault {
  readonly place: Place;
  readonly problem: string;
}

/** A name that was given before. */
export interface Repeat {
  readonly path: Path;
  readonly place: Place;
}

/** A configuration file (YAML, of which JSON is a part) with the place of everything in it. */
export class Source {
  readonly value: unknown;
  readonly faults: readonly TextFault[];
  /** Names that stand twice in one mapping; the text can be read all the same, and the last one counts. */
  readonly repeats: readonly Repeat[];
  readonly #document: Document;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    // Pretty errors would quote the line at fault, and with it perhaps a secret.
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
    });
    const faults = [...this.#document.errors, ...this.#document.warnings].map((each) => ({
      place: this.#place(each.pos[0]),
      problem: `is not well-formed YAML: ${each.message}`,
    }));
    let value: unknown;
    if (faults.length === 0) {
      try {
        value = this.#document.toJS({ maxAliasCount: 100 });
      } catch (cause) {
        const detail = cause instanceof Error ? cause.message : String(cause);
        faults.push({ place: this.#place(0), problem: `is not well-formed YAML: ${detail}` });
      }
    }
    this.value = value;
    this.faults = faults;
    this.repeats = faults.length > 0 ? [] : this.#repeatsIn(this.#document.contents, []);
  }

  #repeatsIn(node: unknown, path: Path): Repeat[] {
    if (isSeq(node))
      return node.items.flatMap((item, index) => this.#repeatsIn(item, [...path, index]));
    if (!isMap(node)) return [];
    const names = new Set<string>();
    return node.items.flatMap((pair) => {
      const name = String(pair.key);
      const inner = [...path, name];
      const repeat = names.has(name)
        ? [{ path: inner, place: this.#place(offsetOf(pair.key) ?? 0) }]
        : [];
      names.add(name);
      return [...repeat, ...this.#repeatsIn(pair.value, inner)];
    });
  }

  /** Where the value at `path` stands (the last of that name), or with `name` its name; where there is none, where the nearest thing around it stands. */
  locate(path: Path, options: { readonly name?: boolean } = {}): Place {
    let node: unknown = this.#document.contents;
    let offset = offsetOf(node);
    for (const [index, step] of path.entries()) {
      const item = childOf(node, step);
      if (item === undefined) break;
      const wantsName = options.name === true && index === path.length - 1;
      node = isPair(item) && !wantsName ? item.value : isPair(item) ? item.key : item;
      offset = offsetOf(node) ?? (isPair(item) ? offsetOf(item.key) : undefined) ?? offset;
    }
    return this.#place(offset ?? 0);
  }

  #place(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function childOf(node: unknown, step: string | number): unknown {
  if (isMap(node)) {
    return node.items.findLast((pair) => String(pair.key) === String(step));
  }
  return isSeq(node) ? node.items[Number(step)] : undefined;
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
