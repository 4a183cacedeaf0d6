import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/kernel/error-codes.ts';
import { importCycles, wrongDirections } from './directions.ts';
import { parseFiles } from './parsed-file.ts';
import { productSources, read, typescriptBelow } from './repository.ts';
import {
  differences,
  environmentReads,
  junkNames,
  leftovers,
  longFiles,
  longFunctions,
  starExports,
  terminalWrites,
} from './rules.ts';

const sources = productSources();
const everything = ['src', 'test', 'scripts', 'bench', 'examples'].flatMap(typescriptBelow);

describe('the house', () => {
  it('has sources to look at', () => expect(sources.length).toBeGreaterThan(40));
  it('imports in one direction', () => expect(wrongDirections(sources)).toEqual([]));
  it('has no import cycle', () => expect(importCycles(sources)).toEqual([]));
  it('has no file too long to read', () => expect(longFiles(sources)).toEqual([]));
  it('has no function too long to read', () => expect(longFunctions(sources)).toEqual([]));
  it('reads the environment in one place', () => expect(environmentReads(sources)).toEqual([]));
  it('writes to the terminal in one place', () => expect(terminalWrites(sources)).toEqual([]));
  it('names what it exports', () => expect(starExports(sources)).toEqual([]));
  it('has no junk drawer', () => expect(junkNames(everything)).toEqual([]));
  it('leaves nothing for later in its sources', () =>
    expect(leftovers(everything.map((path) => ({ path, text: read(path) })))).toEqual([]));

  it('documents every error code, and no other', () => {
    const documented = read('docs/reference/errors.md').match(/\bECO_[A-Z_]+\b/g) ?? [];
    const codes = { name: 'the registry', entries: Object.keys(errorCodes) };
    expect(differences(codes, { name: 'the page', entries: documented })).toEqual([]);
  });

  it('gives a reason for every dependency, and has every one that it gives a reason for', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const used = [manifest['dependencies'], manifest['devDependencies']].flatMap((each) =>
      Object.keys(each ?? {}),
    );
    const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)`/gm)].map(
      ([, name]) => name!,
    );
    expect(
      differences({ name: 'package.json', entries: used }, { name: 'the page', entries: rows }),
    ).toEqual([]);
  });
});

const long = (lines: number): string => 'void 0;\n'.repeat(lines);

/** A rule that cannot fire proves nothing: each is shown a violation, and something allowed beside it. */
describe('every rule fires', () => {
  it.each([
    ['a domain room knows its sister', { 'src/cache/a.ts': "import { b } from '../ledger/b.ts';" }],
    [
      'a type import goes upward',
      { 'src/kernel/a.ts': "import type { B } from '../exchange/b.ts';" },
    ],
    [
      'an inline type import goes upward',
      { 'src/kernel/a.ts': "let a: import('../exchange/b.ts').B;" },
    ],
    ['a re-export goes upward', { 'src/exchange/a.ts': "export { b } from '../pipeline/b.ts';" }],
    ['a dynamic import goes upward', { 'src/pipeline/a.ts': "await import('../gateway/b.ts');" }],
    [
      'a room knows the configuration',
      { 'src/gateway/a.ts': "import type { Config } from '../config/config.ts';" },
    ],
    ['a room knows the log', { 'src/cache/a.ts': "import { log } from '../telemetry/log.ts';" }],
    ['a room knows a root', { 'src/replay/a.ts': "import { start } from '../main.ts';" }],
    ['undici outside upstream', { 'src/gateway/a.ts': "import { Pool } from 'undici';" }],
    ['node:http outside gateway', { 'src/upstream/a.ts': "import { request } from 'node:http';" }],
    ['a room without a direction', { 'src/attic/a.ts': "import { b } from '../kernel/b.ts';" }],
    ['an import from outside src', { 'src/kernel/a.ts': "import { b } from '../../test/b.ts';" }],
  ])('direction: %s', (_name, planted) => {
    expect(wrongDirections(parseFiles(planted))).toHaveLength(1);
  });

  it('direction: what is allowed passes', () => {
    const allowed = {
      'src/cache/a.ts':
        "import { b } from '../kernel/b.ts'; import { c } from './c.ts'; import x from 'node:fs';",
      'src/upstream/a.ts': "import { Pool } from 'undici';",
      'src/main.ts': "import { a } from './config/a.ts'; import { b } from './gateway/b.ts';",
      'src/cli/a.ts': "import { a } from '../telemetry/a.ts';",
    };
    expect(wrongDirections(parseFiles(allowed))).toEqual([]);
  });

  it('cycles', () => {
    const planted = {
      'src/kernel/a.ts': "import { b } from './b.ts';",
      'src/kernel/b.ts': "import { c } from './c.ts';",
      'src/kernel/c.ts': "import type { A } from './a.ts';",
      'src/kernel/d.ts': "import { a } from './a.ts';",
    };
    expect(importCycles(parseFiles(planted))).toEqual([
      'src/kernel/a.ts -> src/kernel/b.ts -> src/kernel/c.ts -> src/kernel/a.ts',
    ]);
  });

  it('sizes', () => {
    expect(longFiles(parseFiles({ 'src/a.ts': long(300), 'src/b.ts': long(301) }))).toEqual([
      'src/b.ts has 301 lines; at most 300',
    ]);
    const functions = {
      'src/a.ts': `function a() {\n${long(68)}}`,
      'src/b.ts': `function b() {\n${long(69)}}`,
      'src/c.ts': `const c = () => {\n${long(69)}};`,
      'src/d.ts': `class D { d() {\n${long(69)}} }`,
    };
    expect(longFunctions(parseFiles(functions)).map((each) => each.split(':')[0])).toEqual([
      'src/b.ts',
      'src/c.ts',
      'src/d.ts',
    ]);
  });

  it('environment', () => {
    const planted = {
      'src/config/environment.ts': 'process.env;',
      'src/cache/a.ts': 'process.env;',
      'src/cache/b.ts': "globalThis.process['env'];",
      'src/cache/c.ts': "import { env } from 'node:process';",
      'src/cache/d.ts': 'process.pid; options.env;',
    };
    expect(environmentReads(parseFiles(planted))).toHaveLength(3);
  });

  it('terminal', () => {
    const planted = {
      'src/cli/output.ts': "process.stdout.write('');",
      'src/cli/a.ts': "process.stdout.write('');",
      'src/cache/a.ts': 'console.log(1);',
      'src/cache/b.ts': 'sink.write(1); process.stdout.isTTY;',
    };
    expect(terminalWrites(parseFiles(planted))).toHaveLength(2);
  });

  it('names and leftovers', () => {
    expect(
      junkNames([
        'src/cache/utils.ts',
        'src/common/a.ts',
        'src/x/cache-manager.test.ts',
        'src/service-tier.ts',
      ]),
    ).toHaveLength(3);
    expect(
      leftovers([{ path: 'a.ts', text: ['// TO', 'DO: later\n// todo list'].join('') }]),
    ).toHaveLength(1);
    expect(
      starExports(parseFiles({ 'src/a.ts': "export * from './b.ts'; export default 1;" })),
    ).toHaveLength(2);
  });

  it('lists that differ', () => {
    expect(
      differences({ name: 'a', entries: ['x', 'y'] }, { name: 'b', entries: ['y', 'z'] }),
    ).toEqual(['x: in a, not in b', 'z: in b, not in a']);
  });
});
