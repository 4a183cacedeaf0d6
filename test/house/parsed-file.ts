import { parseSync } from 'oxc-parser';

/** As much of a syntax node as the rules look at. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** A source file with what the house rules ask of it. */
export interface ParsedFile {
  /** From the root of the repository, with forward slashes: `src/cache/key.ts`. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** What it imports, re-exports or imports types from, as written; dynamic imports too. */
  readonly imports: readonly string[];
  readonly nodes: readonly SyntaxNode[];
}

export function parseFile(path: string, text: string): ParsedFile {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]!.message}`);
  const nodes: SyntaxNode[] = [];
  collect(program, nodes);
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return { path, text, lines, imports: nodes.flatMap(importOf), nodes };
}

/** Files by path, parsed; for planted violations. */
export function parseFiles(sources: Readonly<Record<string, string>>): readonly ParsedFile[] {
  return Object.entries(sources).map(([path, text]) => parseFile(path, text));
}

function importOf(node: SyntaxNode): readonly string[] {
  const imports = /^(?:Import|ExportNamed|ExportAll)(?:Declaration|Expression)$|^TSImportType$/;
  if (!imports.test(node.type)) return [];
  const source = node['source'] ?? node['argument'];
  const value = isNode(source) ? (source['value'] ?? nestedLiteral(source)) : undefined;
  return typeof value === 'string' ? [value] : [];
}

function nestedLiteral(node: SyntaxNode): unknown {
  const literal = node['literal'];
  return isNode(literal) ? literal['value'] : undefined;
}

function collect(value: unknown, into: SyntaxNode[]): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, into);
  } else if (typeof value === 'object' && value !== null) {
    if (isNode(value)) into.push(value);
    for (const each of Object.values(value)) collect(each, into);
  }
}

export function isNode(value: unknown): value is SyntaxNode {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
  );
}
