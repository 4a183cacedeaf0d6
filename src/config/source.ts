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

/** A configuration file (YAML, of which JSON is a part) with the place of everything in it. */
export class Source {
  readonly value: unknown;
  readonly faults: readonly TextFault[];
  readonly #document: Document;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    // Pretty errors would quote the line at fault, and with it perhaps a secret.
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
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
  }

  /** Where the value at `path` stands, or with `name` its name; where there is none, where the nearest thing around it stands. */
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
    return node.items.find((pair) => String(pair.key) === String(step));
  }
  return isSeq(node) ? node.items[Number(step)] : undefined;
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
