import { readdirSync, readFileSync } from 'node:fs';
import type { DialectName } from '../../src/exchange/dialect.ts';
import type { JsonObject } from '../../src/kernel/json.ts';

/** One case of the wire: what a client sends and what a provider answers, byte for byte. */
export interface Fixture {
  readonly dialect: DialectName;
  readonly name: string;
  readonly request: Buffer;
  readonly response: Buffer;
  readonly streamed: boolean;
}

const folder = new URL('fixtures/', import.meta.url);

/** One fixture by name. */
export function loadFixture(dialect: DialectName, name: string): Fixture {
  const streamed = namesOf(dialect).includes(`${name}.response.sse`);
  const read = (ending: string): Buffer =>
    readFileSync(new URL(`${dialect}/${name}.${ending}`, folder));
  return {
    dialect,
    name,
    request: read('request.json'),
    response: read(streamed ? 'response.sse' : 'response.json'),
    streamed,
  };
}

/** Every fixture of a dialect, by name. */
export function listFixtures(dialect: DialectName): Fixture[] {
  const names = namesOf(dialect).filter((file) => file.endsWith('.request.json'));
  return names.sort().map((file) => loadFixture(dialect, file.slice(0, -'.request.json'.length)));
}

/** The JSON object that a fixture's bytes hold. */
export function jsonOf(bytes: Buffer): JsonObject {
  return JSON.parse(bytes.toString('utf8')) as JsonObject;
}

function namesOf(dialect: DialectName): string[] {
  return readdirSync(new URL(`${dialect}/`, folder));
}
