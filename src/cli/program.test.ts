import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'economizer-cli-'));
const entry = join(import.meta.dirname, 'economizer.ts');

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** Runs the command in an empty folder with an environment of its own. */
function economizer(
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [entry, ...words],
      { cwd: directory, env: environment },
      (_failure, out, error) => resolve({ code: child.exitCode ?? -1, out, error }),
    );
  });
}

describe('economizer', () => {
  it('tells its version and its commands', async () => {
    expect(await economizer(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    const { code, out } = await economizer(['--help']);
    expect(code).toBe(0);
    for (const name of ['serve', 'demo', 'replay', 'report', 'check'])
      expect(out).toMatch(new RegExp(`^  ${name} .*\\w`, 'm'));
  });

  it('suggests what may be meant, with exit code 2', async () => {
    const command = await economizer(['chekc']);
    expect(command.code).toBe(2);
    expect(command.error).toMatch(/unknown command 'chekc'\s+\(Did you mean check\?\)/);
    const option = await economizer(['check', '--jsn']);
    expect(option.code).toBe(2);
    expect(option.error).toMatch(/unknown option '--jsn'\s+\(Did you mean --json\?\)/);
  });
});

describe('output that nobody takes', () => {
  const started = (words: readonly string[], out: 'pipe' | number = 'pipe') =>
    spawn(process.execPath, [entry, ...words], {
      cwd: directory,
      env: { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' },
      stdio: ['ignore', out, 'pipe'],
    });

  it('is dropped without a word', async () => {
    const child = started(['check', '--schema']);
    child.stdout!.destroy();
    let error = '';
    child.stderr!.on('data', (text) => (error += String(text)));
    expect([await once(child, 'close'), error]).toEqual([[0, null], '']);
  });

  it.skipIf(!existsSync('/dev/full'))('and cannot be written fails with a sentence', async () => {
    const child = started(['check', '--schema'], openSync('/dev/full', 'w'));
    let error = '';
    child.stderr!.on('data', (text) => (error += String(text)));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(error).toBe('Give standard output room; it cannot be written (ENOSPC).\n');
  });

  it('does not end a gateway whose log it was', async () => {
    const child = started(['serve', '--port', '0', '--json']);
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    child.stderr!.destroy();
    const body = '{"model":"m","messages":[]}';
    for (let call = 0; call < 3; call++) {
      const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body });
      expect(answer.status).toBe(502); // a line in the log each time
    }
    expect(await (await fetch(`${url}/health`)).text()).toBe('ok\n');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
  });
});

describe('a failure', () => {
  it.each([
    ['an unknown command', ['chekc'], 'ECO_USAGE'],
    ['a missing argument', ['replay'], 'ECO_USAGE'],
    ['no ledger', ['report', '--data', 'nowhere'], 'ECO_FILE'],
    ['no file', ['replay', 'nowhere.jsonl'], 'ECO_FILE'],
    ['a bad configuration', ['serve', '--port', 'x'], 'ECO_CONFIG'],
  ])('says first what to do, and is one object with --json: %s', async (_name, words, code) => {
    const people = await economizer(words);
    expect([people.code, people.out]).toEqual([2, '']);
    expect(people.error.split('\n', 1)[0]).toMatch(/Correct|start|there is no such file/);
    const machines = await economizer([...words, '--json']);
    expect(machines.code).toBe(2);
    expect(JSON.parse(machines.out)).toMatchObject({ error: { code } });
  });

  it('of the configuration does not keep a ledger that is named from being read', async () => {
    writeFileSync(join(directory, 'economizer.yaml'), 'data: "${NOT_SET}"\n');
    const named = await economizer(['report', '--data', 'nowhere']);
    rmSync(join(directory, 'economizer.yaml'));
    expect(named.error).toContain('There is no ledger at');
    expect((await economizer(['report', '--help'])).code).toBe(0);
  });
});

describe('economizer check', () => {
  it('tells repeated names with all other faults', async () => {
    writeFileSync(
      join(directory, 'twice.yaml'),
      'listen: { port: 1, port: x }\nlog: { level: loud }\n',
    );
    const { error } = await economizer(['check', '--config', 'twice.yaml']);
    expect(error).toMatch(/twice.yaml:1:20 {2}listen.port is given twice; keep one/);
    expect(error).toMatch(/listen.port must be a whole number .* it is "x"/);
    expect(error).toMatch(/log.level must be one of/);
  });

  it('says what would run, and no secret', async () => {
    const { code, out } = await economizer(['check'], { OPENAI_API_KEY: 'sk-very-secret-1' });
    expect(code).toBe(0);
    expect(out).toContain('The configuration is sound (no file; environment and defaults).');
    expect(out).toContain('openai: https://api.openai.com/v1 (openai, key set)');
    expect(out).toContain('anthropic: https://api.anthropic.com (anthropic, the caller’s own key)');
    expect(out).not.toContain('very-secret');
  });

  it('prints one object with --json', async () => {
    const { out } = await economizer(['check', '--json'], { OPENAI_API_KEY: 'sk-very-secret-1' });
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      config: { listen: { port: 8787 }, providers: [{ apiKey: '(set)' }, {}] },
    });
    expect(out).not.toContain('very-secret');
  });

  it('explains every fault, with exit code 2', async () => {
    writeFileSync(
      join(directory, 'bad.yaml'),
      'listen: { prot: 1, host: 0.0.0.0 }\nlog: { level: loud }\n',
    );
    const people = await economizer(['check', '--config', 'bad.yaml']);
    expect(people.code).toBe(2);
    expect(people.error).toMatch(
      /^Correct these 2 faults:\n {2}bad.yaml:\d+:\d+ {2}\S+ .*\n {2}bad.yaml/,
    );
    const machines = await economizer(['check', '--config', 'bad.yaml', '--json']);
    expect(machines.code).toBe(2);
    const { ok, faults } = JSON.parse(machines.out) as { ok: boolean; faults: { path: string }[] };
    expect(ok).toBe(false);
    expect(faults.map(({ path }) => path).sort()).toEqual(['listen.prot', 'log.level']);
  });

  it('prints the JSON Schema for editors', async () => {
    const { out } = await economizer(['check', '--schema']);
    expect(JSON.parse(out)).toMatchObject({ type: 'object', properties: { cache: {} } });
  });
});

describe('economizer serve', () => {
  it('says what to do about a bad configuration before anything else', async () => {
    const { code, error } = await economizer(['serve', '--port', '99999']);
    expect(code).toBe(2);
    expect(error).toMatch(
      /^Correct the configuration; it has a fault:\n {2}--port {2}listen.port must be a whole number from 0 to 65535; it is "99999"\n\(ECO_CONFIG/,
    );
  });
});
