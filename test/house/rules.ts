import { isNode, type ParsedFile } from './parsed-file.ts';

const fileLines = 300;
const functionLines = 70;

export function longFiles(files: readonly ParsedFile[]): readonly string[] {
  return files
    .filter((file) => file.lines > fileLines)
    .map((file) => `${file.path} has ${file.lines} lines; at most ${fileLines}`);
}

export function longFunctions(files: readonly ParsedFile[]): readonly string[] {
  return files.flatMap((file) =>
    file.nodes
      .filter((node) => /^(?:Function|ArrowFunction)/.test(node.type) && isNode(node['body']))
      .map((node) => ({ from: lineOf(file, node.start), to: lineOf(file, node.end) }))
      .filter(({ from, to }) => to - from + 1 > functionLines)
      .map(
        ({ from, to }) =>
          `${file.path}:${from}: a function of ${to - from + 1} lines; at most ${functionLines}`,
      ),
  );
}

/** The environment is an argument everywhere but in its one reader. */
export function environmentReads(files: readonly ParsedFile[]): readonly string[] {
  return files.flatMap((file) => {
    if (file.path === 'src/config/environment.ts') return [];
    const module = file.imports.find((specifier) => /^(?:node:)?process$/.test(specifier));
    const imported = module === undefined ? [] : [`${file.path} imports ${module}`];
    return membersOf(file, 'process', 'env').concat(imported);
  });
}

/** Nothing but the commands' one output file, and the composition root that hands the log its stream, writes to the terminal. */
export function terminalWrites(files: readonly ParsedFile[]): readonly string[] {
  return files.flatMap((file) => {
    const consoles = file.nodes
      .filter((node) => node.type === 'MemberExpression' && nameOf(node['object']) === 'console')
      .map(
        (node) =>
          `${file.path}:${lineOf(file, node.start)}: console; commands write through cli/output.ts`,
      );
    if (file.path === 'src/cli/output.ts' || file.path === 'src/main.ts') return consoles;
    const streams = ['stdout', 'stderr'].flatMap((stream) => membersOf(file, stream, 'write'));
    return [...consoles, ...streams];
  });
}

/** Words that say nothing of what is inside. */
const junkDrawers = new Set([
  'util',
  'utils',
  'helper',
  'helpers',
  'common',
  'manager',
  'service',
  'misc',
]);

export function junkNames(paths: readonly string[]): readonly string[] {
  return paths.filter((path) =>
    path.split('/').some((part) =>
      junkDrawers.has(
        part
          .replace(/(?:\.test)?\.\w+$/, '')
          .split('-')
          .at(-1)!,
      ),
    ),
  );
}

/** Put together from halves, so that this file does not break its own rule. */
const leftover = new RegExp(String.raw`\b(?:TO${'DO'}|FIX${'ME'}|XX${'X'})\b`);

export function leftovers(files: readonly Pick<ParsedFile, 'path' | 'text'>[]): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        leftover.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
}

/** What one list names and the other does not, both ways. */
export function differences(
  left: { readonly name: string; readonly entries: Iterable<string> },
  right: { readonly name: string; readonly entries: Iterable<string> },
): readonly string[] {
  const [ours, theirs] = [new Set(left.entries), new Set(right.entries)];
  return [
    ...[...ours]
      .filter((each) => !theirs.has(each))
      .map((each) => `${each}: in ${left.name}, not in ${right.name}`),
    ...[...theirs]
      .filter((each) => !ours.has(each))
      .map((each) => `${each}: in ${right.name}, not in ${left.name}`),
  ];
}

/** Default exports and barrels that re-export everything hide who uses what. */
export function starExports(files: readonly ParsedFile[]): readonly string[] {
  return files.flatMap((file) =>
    file.nodes
      .filter(
        (node) => node.type === 'ExportAllDeclaration' || node.type === 'ExportDefaultDeclaration',
      )
      .map((node) => `${file.path}:${lineOf(file, node.start)}: name what is exported`),
  );
}

/** Uses of `owner.member`, whatever stands before the owner. */
function membersOf(file: ParsedFile, owner: string, member: string): string[] {
  return file.nodes
    .filter(
      (node) =>
        node.type === 'MemberExpression' &&
        nameOf(node['property']) === member &&
        nameOf(lastOf(node['object'])) === owner,
    )
    .map((node) => `${file.path}:${lineOf(file, node.start)}: ${owner}.${member}`);
}

function lastOf(node: unknown): unknown {
  return isNode(node) && node.type === 'MemberExpression' ? node['property'] : node;
}

function nameOf(node: unknown): unknown {
  if (!isNode(node)) return undefined;
  return node.type === 'Literal' ? node['value'] : node['name'];
}

function lineOf(file: ParsedFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}
