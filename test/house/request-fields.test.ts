import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isVariant } from '../../src/cache/key.ts';
import { isOwnField, isRequestField, tellingFields } from '../../src/gateway/request-fields.ts';
import { isCredential } from '../../src/gateway/request-headers.ts';
import { isNode, parseFile, type ParsedFile, type SyntaxNode } from './parsed-file.ts';
import { productSources, read } from './repository.ts';

const textOf = (node: unknown): string | undefined =>
  isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string'
    ? node['value']
    : undefined;

/** Names of fields that a file of the way of a call reads from a request. */
function fieldsReadBy(file: ParsedFile): readonly string[] {
  const source = (node: unknown) => (isNode(node) ? file.text.slice(node.start, node.end) : '');
  const isHeaders = (node: unknown): boolean =>
    /(?:^|[.!])(?:headers|rawHeaders)$/.test(source(node)) && !/reply|answer/.test(source(node));
  const read = (node: SyntaxNode): unknown => {
    if (node.type === 'SwitchCase') return file.path.endsWith('headers.ts') && node['test'];
    if (node.type === 'BinaryExpression') return source(node['left']) === 'name' && node['right'];
    if (node.type === 'MemberExpression') return isHeaders(node['object']) && node['property'];
    if (node.type !== 'CallExpression') return undefined;
    const [from, name] = node['arguments'] as readonly unknown[];
    return source(node['callee']) === 'fieldOf' && isHeaders(from) && name;
  };
  return file.nodes.map((node) => textOf(read(node)) ?? '').filter((name) => name !== '');
}

/** Where requests are read on the way of a call; the admin API and answers are not. */
const isOnTheWay = ({ path }: ParsedFile): boolean =>
  /^src\/(?:gateway|pipeline|upstream|cache\/key)/.test(path) && !path.includes('/admin/');

const unknown = (file: ParsedFile) => fieldsReadBy(file).filter((name) => !isRequestField(name));

describe('fields of requests', () => {
  it('are all in the list that says which of them tell callers and questions apart', () => {
    const files = productSources().filter(isOnTheWay);
    const found = files.flatMap(fieldsReadBy);
    expect(found.length).toBeGreaterThan(25);
    const missing = files.flatMap((file) => unknown(file).map((name) => `${name} in ${file.path}`));
    expect(missing).toEqual([]);
  });

  it.each([
    "switch (name) { case 'x-new': break; }",
    "if (name === 'x-new') a();",
    "const a = request.headers['x-new'];",
    "const a = fieldOf(rawHeaders, 'x-new');",
    "const a = fieldOf(call.headers, 'x-new');",
  ])('would be missed here: %s', (text) => {
    expect(unknown(parseFile('src/gateway/request-headers.ts', text))).toEqual(['x-new']);
  });
});

describe('the VCL', () => {
  const vcl = read('docs/edge/economizer.vcl');
  const named = (call: string) =>
    [...vcl.matchAll(new RegExp(`^  ${call}\\(req\\.http\\.([\\w-]+)\\);`, 'gm'))].map(
      ([, name]) => name!,
    );

  it('hashes all fields that tell callers and questions apart, each as one list', () => {
    expect(named('hash_data').toSorted()).toEqual(tellingFields.toSorted());
    const collected = named('std\\.collect');
    expect(collected.toSorted()).toEqual([...tellingFields, 'connection'].toSorted());
  });

  const pattern = /"\(\?i\)(\^\(\?!.*\$)",/.exec(vcl)![1]!;
  const isPassed = (line: string) => new RegExp(pattern, 'i').test(line);
  const tells = (name: string) =>
    isCredential(name) || isVariant(name) || isOwnField(name) || isRequestField(name);

  it('passes what only looks like one of them', () => {
    const words =
      'x auth Auth authorization authentication token tokens api key apikey secret cookie credential credentials anthropic openai goog ms economizer agent agents version beta organization project user';
    const part = fc.constantFrom(...words.split(' '));
    const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('-'));
    const seen = { passed: 0, hashed: 0, inert: 0 };
    fc.assert(
      fc.property(name, fc.string(), (given, value) => {
        const known = given.toLowerCase();
        const passed = isPassed(`${given}: ${value.replaceAll(/[\r\n]/g, '')}`);
        const hashed = (tellingFields as readonly string[]).includes(known);
        seen[passed ? 'passed' : hashed ? 'hashed' : 'inert']++;
        if (tells(known)) expect([given, passed || hashed]).toEqual([given, true]);
        if (!tells(known) && !known.startsWith('anthropic-'))
          expect([given, passed]).toEqual([given, false]);
      }),
      { numRuns: 5000 },
    );
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(20);
  });

  it('hashes the fields that SDKs send', () => {
    for (const name of [
      'Authorization',
      'X-Api-Key',
      'anthropic-version',
      'anthropic-beta',
      'OpenAI-Organization',
    ]) {
      expect([name, isPassed(`${name}: x`)]).toEqual([name, false]);
    }
    expect(isPassed('User-Agent: openai-auth-token: x')).toBe(false);
  });
});
