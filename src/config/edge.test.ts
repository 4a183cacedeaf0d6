import { describe, expect, it } from 'vitest';
import { secretsOf } from './secrets.ts';
import { faultText } from './fault.ts';
import { readConfig } from './read.ts';

function read(value: object) {
  const text = JSON.stringify(value);
  return readConfig({ text, fileName: 'x.yaml', environment: {}, keeps: false });
}

const faultsOf = (value: object) =>
  read(value).faults.map(({ path, problem }) => `${path} ${problem}`);

function edgeOf(edge: object) {
  const { config, faults } = read({ edge });
  expect(faults.map(faultText)).toEqual([]);
  return config!.edge!;
}

const secret = 'hush-hush-hush-hush';
const varnish = { url: 'https://edge.example.com/', purge: { kind: 'varnish', secret } };
const share = { scope: 'shared', share_as: 'faq', share_with: ['acme'] };

describe('the section edge', () => {
  it('is left out where there is none', () => {
    expect(read({}).config!.edge).toBeUndefined();
  });

  it('says where the edge is and how each kind is purged', () => {
    expect(edgeOf(varnish)).toEqual({
      url: 'https://edge.example.com',
      lookupMs: 20,
      query: false,
      purge: { kind: 'varnish', urls: ['https://edge.example.com'], secret, timeoutMs: 2000 },
    });
    const urls = ['http://10.0.0.1:6081', 'http://10.0.0.2:6081/'];
    expect(edgeOf({ ...varnish, purge: { ...varnish.purge, urls } }).purge).toMatchObject({
      urls: ['http://10.0.0.1:6081', 'http://10.0.0.2:6081'],
    });
    const fastly = { kind: 'fastly', service: 'SU1Z', token: 't' };
    expect(edgeOf({ ...varnish, lookup: '80ms', purge: fastly })).toMatchObject({
      lookupMs: 80,
      purge: { ...fastly, api: 'https://api.fastly.com', timeoutMs: 2000 },
    });
    const cloudflare = { kind: 'cloudflare', zone: '023e', token: 't', timeout: '5s' };
    expect(edgeOf({ ...varnish, purge: cloudflare }).purge).toEqual({
      kind: 'cloudflare',
      zone: '023e',
      token: 't',
      api: 'https://api.cloudflare.com/client/v4',
      timeoutMs: 5000,
    });
  });

  it.each<[object, string]>([
    [{ url: 'https://e.example' }, 'edge.purge is missing'],
    [{ purge: varnish.purge }, 'edge.url is missing'],
    [{ ...varnish, url: 'ftp://e.example' }, 'edge.url must be an http or https URL'],
    [{ ...varnish, url: 'https://a:b@e.example' }, 'edge.url must be an http or https URL'],
    [{ ...varnish, purge: { kind: 'akamai' } }, 'edge.purge.kind must be one of: varnish'],
    [{ ...varnish, purge: { kind: 'varnish' } }, 'edge.purge.secret is missing; it must be given'],
    [{ ...varnish, purge: { kind: 'varnish', secret: 'short' } }, 'edge.purge.secret must be 16'],
    [
      { ...varnish, purge: { ...varnish.purge, zone: 'x' } },
      'edge.purge.zone has no meaning for varnish',
    ],
    [{ ...varnish, purge: { kind: 'fastly', token: 't' } }, 'edge.purge.service is missing'],
    [
      { ...varnish, purge: { kind: 'cloudflare', zone: 'z', token: 'a\nb' } },
      'edge.purge.token must be visible ASCII',
    ],
    [{ ...varnish, lookup: '0' }, 'edge.lookup must be a duration'],
  ])('is refused where it cannot work: %j', (edge, problem) => {
    expect(faultsOf({ edge })).toEqual([expect.stringContaining(problem)]);
  });

  it('is not this gateway itself', () => {
    const edge = { ...varnish, url: 'http://localhost:8787' };
    expect(faultsOf({ edge })).toEqual([expect.stringContaining('edge.url must not be this')]);
  });

  it('keeps answers to QUERY only where some are public and it can tell them apart', () => {
    const open = { policies: { faq: { ...share, edge: 'public' } } };
    const edge = { ...varnish, query: true };
    const { config, faults } = read({ edge, cache: open });
    expect(faults).toEqual([]);
    expect(config!.edge!.query).toBe(true);
    expect(faultsOf({ edge })).toEqual([
      'edge.query must be false where no policy lets answers lie at the edge; give one edge: public',
    ]);
    const cloudflare = { kind: 'cloudflare', zone: '023e', token: 't' };
    expect(faultsOf({ edge: { ...edge, purge: cloudflare }, cache: open })).toEqual([
      'edge.query must be false for cloudflare, which keeps answers to GET alone',
    ]);
    expect(faultsOf({ edge: { ...edge, query: 'maybe' }, cache: open })).toEqual([
      expect.stringContaining('edge.query must be'),
    ]);
    expect(faultsOf({ edge: { url: edge.url, query: true }, cache: open })).toEqual([
      expect.stringContaining('edge.purge is missing'),
    ]);
  });

  it('keeps its secrets out of logs', () => {
    expect(secretsOf(read({ edge: varnish }).config!)).toContain(secret);
    const token = 'hush hush';
    const shown = [
      read({ edge: { ...varnish, purge: { kind: 'fastly', service: 's', token: [token] } } }),
      read({ edge: { ...varnish, purge: { kind: 'fastly', service: 's', token: 'hush\nhush' } } }),
      read({ edge: { ...varnish, purge: { kind: 'varnish', secret: 'hush hush hush hush' } } }),
      read({ edge: `http://hush@x` }),
    ].flatMap(({ faults }) => faults.map(faultText));
    expect(shown.length).toBeGreaterThan(3);
    expect(shown.join('\n')).not.toContain('hush');
  });
});

describe('a policy with answers at the edge', () => {
  it('needs an edge, and a scope that is shared by name', () => {
    const open = (policy: object, more: object = {}) =>
      faultsOf({ cache: { policies: { faq: { edge: 'public', ...policy } } }, ...more });
    expect(open(share, { edge: varnish })).toEqual([]);
    expect(open(share)).toEqual([
      expect.stringContaining('cache.policies.faq.edge must be off where there is no edge'),
    ]);
    for (const scope of [{}, { scope: 'tenant' }, { scope: 'team' }]) {
      expect(open(scope, { edge: varnish })).toEqual([
        expect.stringContaining('only what is shared by name'),
      ]);
    }
  });

  it('is none unless it says so, and its heirs are what it is', () => {
    const response = { ...share, edge: 'public' };
    const policies = {
      response,
      heir: { extends: 'response' },
      other: { extends: 'model-output' },
    };
    const { config } = read({ edge: varnish, cache: { policies } });
    const open = config!.cache.policies.filter(({ edge }) => edge === 'public');
    expect(open.map(({ name }) => name)).toEqual(['response', 'heir']);
  });
});
