import { describe, expect, it } from 'vitest';
import { secretsOf } from './secrets.ts';
import { faultText } from './fault.ts';
import { readConfig } from './read.ts';

const read = (text: string, environment: Record<string, string> = {}) =>
  readConfig({ text, environment, fileName: 'economizer.yaml', directory: '/tmp' });

const faultsOf = (text: string) => read(text).faults.map(faultText);

describe('the section postgres', () => {
  it('is left out where it is not wanted', () => {
    expect(read('log: { level: info }').config!.postgres).toBeUndefined();
  });

  it('says where the server is, with what it needs from the environment', () => {
    const text =
      "postgres: { url: 'postgres://eco:${PASS}@[::1]/answers?sslmode=require', schema: house }";
    const { config } = read(text, { PASS: 'open%20sesame' });
    expect(config!.postgres).toEqual({
      host: '::1',
      port: 5432,
      user: 'eco',
      password: 'open sesame',
      database: 'answers',
      tls: { ca: undefined, cert: undefined, key: undefined, serverName: undefined },
      schema: 'house',
      connections: 8,
      connectMs: 2000,
    });
    expect(secretsOf(config!)).toContain('open sesame');
  });

  it('takes the user apart, and the database of the same name', () => {
    const text = "postgres: { url: 'postgresql://db.example.com:6432', username: eco }";
    const { postgres } = read(text).config!;
    expect(postgres).toMatchObject({
      host: 'db.example.com',
      port: 6432,
      user: 'eco',
      password: undefined,
      database: 'eco',
      tls: undefined,
    });
  });

  it.each([
    ["url: 'mysql://a@b/c'", /postgres.url .*must be a URL such as postgres:/],
    ["url: 'postgres://a@b/c?application_name=x'", /postgres.url .*must be a URL/],
    [
      "url: 'postgres://b/c'",
      /postgres.username is missing; it must be given where the URL has none/,
    ],
    ["url: 'postgres://a@b/c', schema: 'a; DROP'", /postgres.schema .*lower-case letters/],
    ["url: 'postgres://a@b/c', tls: { cert: a.pem }", /postgres.tls .*both cert and key/],
    ["url: 'postgres://a@b/c?sslmode=disable', tls: {}", /postgres.tls .*sslmode=disable/],
    ["url: 'postgres://a@b/c', tls: { ca: /none.pem }", /postgres.tls.ca/],
  ])('refuses %s', (text, fault) => {
    const found = faultsOf(`postgres: { ${text} }`);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(fault);
  });

  it('never shows a password', () => {
    expect(faultsOf("postgres: { url: 'postgres//a:hunter2@b/c' }").join()).not.toMatch(/hunter2/);
  });

  it('is a level that a policy may name, alone or in the order of asking', () => {
    const policy = 'cache: { order: [postgres], policies: { own: { levels: [postgres] } } }';
    const { cache } = read(`postgres: { url: 'postgres://a@b/c' }\n${policy}`).config!;
    expect(cache.order).toEqual(['postgres', 'memory', 'disk', 'redis']);
    expect(faultsOf(policy)[0]).toMatch(/must name a level that is switched on; postgres is not/);
  });
});
