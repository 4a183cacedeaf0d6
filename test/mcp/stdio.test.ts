import { spawnSync } from 'node:child_process';
import { CreateMessageRequestSchema, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { configFile, fixtureCommand, mcpCommand, stdioClient } from './harness.ts';

const command = { command: fixtureCommand };

/** How often the server was asked for this. */
async function asked(
  client: Awaited<ReturnType<typeof stdioClient>>,
  what: string,
): Promise<number> {
  const { content } = await client.callTool({ name: 'peek' });
  const text = (content as { text: string }[])[0]!.text;
  return text.split(',').filter((each) => each === what).length;
}

const read = (given: object = {}) => ({ name: 'read_item', arguments: { id: 'a', ...given } });

describe('economizer mcp over stdio', { timeout: 60_000 }, () => {
  it('passes on what the server says of itself, and everything it does not know', async () => {
    const client = await stdioClient(configFile(command));
    expect(client.getServerVersion()).toEqual({ name: 'fixture', version: '7' });
    expect(client.getInstructions()).toBe('be kind');
    expect(client.getServerCapabilities()).toMatchObject({
      tools: { listChanged: true },
      experimental: { odd: { deep: [1] } },
    });
    const odd = { method: 'odd/thing', params: { deep: { list: [1, 'é', null] } } };
    expect(await client.request(odd as never, ResultSchema)).toEqual({ echo: odd.params });
    expect(await client.listPrompts()).toEqual({ prompts: [{ name: 'greet' }] });
    const completion = {
      ref: { type: 'ref/prompt' as const, name: 'greet' },
      argument: { name: 'x', value: 'y' },
    };
    expect((await client.complete(completion)).completion.values).toEqual(['y!']);
    await client.setLoggingLevel('debug');
    await client.ping();
    await expect(client.callTool({ name: 'no_such_tool' })).rejects.toThrow(
      'There is no tool no_such_tool.',
    );
  });

  it('keeps results of the tools that are listed, however their arguments are spelt, and no others', async () => {
    const client = await stdioClient(configFile(command));
    await client.listTools();
    const first = await client.callTool(read());
    expect(first).toMatchObject({ n: 1 });
    const ways = [{}, { depth: 1 }, { trace_id: 'x' }, { trace_id: 'y', depth: 1 }];
    for (const way of ways) expect(await client.callTool(read(way))).toEqual(first);
    expect(await client.callTool(read({ depth: 2 }))).toMatchObject({ n: 2 });
    expect(await asked(client, 'tools/call read_item')).toBe(2);
    await client.callTool({ name: 'touch' });
    await client.callTool({ name: 'touch' });
    expect(await asked(client, 'tools/call touch')).toBe(2);
  });

  it('serves nothing that a call may have changed', async () => {
    const client = await stdioClient(configFile(command));
    expect(await client.callTool(read())).toMatchObject({ content: [{ text: 'none' }] });
    await client.readResource({ uri: 'item:a' });
    await client.callTool({ name: 'write_item', arguments: { id: 'a', text: 'new' } });
    expect(await client.callTool(read())).toMatchObject({ content: [{ text: 'new' }] });
    const again = await client.readResource({ uri: 'item:a' });
    expect(again.contents[0]).toMatchObject({ text: 'new (2)' });
  });

  it('keeps lists and resources for as long as the server says, page by page', async () => {
    const client = await stdioClient(configFile(command));
    const first = await client.listTools();
    expect((await client.listTools({ cursor: 'page 2' })).tools).toMatchObject([{ name: 'last' }]);
    const again = await client.listTools();
    expect(again.tools).toEqual(first.tools);
    expect(again['ttlMs']).toBeLessThanOrEqual(60_000);
    expect(await asked(client, 'tools/list')).toBe(2);
    for (let turn = 0; turn < 2; turn++) {
      await client.readResource({ uri: 'item:a' });
      await client.readResource({ uri: 'item:never' });
      await client.listPrompts();
      await client.getPrompt({ name: 'greet' });
    }
    expect(await asked(client, 'resources/read item:a')).toBe(1);
    expect(await asked(client, 'resources/read item:never')).toBe(2);
    expect(await asked(client, 'prompts/list')).toBe(2);
    expect(await asked(client, 'prompts/get')).toBe(2);
  });

  it('never keeps a failure, nor what is too large', async () => {
    const client = await stdioClient(configFile(command));
    for (let turn = 1; turn <= 2; turn++) {
      expect(await client.callTool({ name: 'fail' })).toMatchObject({ n: turn, isError: true });
      const huge = { name: 'huge', arguments: { size: 1_000_000 } };
      expect(await client.callTool(huge)).toMatchObject({ n: turn });
    }
    const small = { name: 'huge', arguments: { size: 10 } };
    expect(await client.callTool(small)).toEqual(await client.callTool(small));
  });

  it('lets the server ask the client, and keeps nothing that hangs on the answer', async () => {
    const client = await stdioClient(configFile(command));
    let turn = 0;
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'm',
      role: 'assistant',
      content: { type: 'text', text: `answer ${++turn}` },
    }));
    for (const text of ['answer 1', 'answer 2']) {
      const { content } = await client.callTool({ name: 'ask' });
      expect((content as { text: string }[])[0]!.text).toContain(text);
    }
  });

  it('is asked once for identical calls at the same time, and passes progress on', async () => {
    const client = await stdioClient(configFile(command));
    const progress: unknown[] = [];
    const slow = { name: 'slow', arguments: { ms: 200 } };
    const options = { onprogress: (each: unknown) => progress.push(each) };
    const first = client.callTool(slow, undefined, options);
    const others = Array.from({ length: 20 }, () => client.callTool(slow));
    const results = await Promise.all([first, ...others]);
    expect(results.every((each) => each['n'] === 1)).toBe(true);
    expect(progress).toEqual([{ progress: 1, total: 2, message: 'half' }]);
    expect(await asked(client, 'tools/call slow')).toBe(1);
  });

  it('cancels at the server what its last caller left, and goes on for the others', async () => {
    const client = await stdioClient(configFile(command));
    const slow = { name: 'slow', arguments: { ms: 300, id: 'x' } };
    const leaver = new AbortController();
    const left = client.callTool(slow, undefined, { signal: leaver.signal });
    const stayed = client.callTool(slow);
    await new Promise((resolve) => setTimeout(resolve, 100));
    leaver.abort('enough');
    await expect(left).rejects.toThrow('enough');
    expect(await stayed).toMatchObject({ n: 1 });
    const alone = new AbortController();
    const long = { name: 'slow', arguments: { ms: 60_000, id: 'y' } };
    const abandoned = client.callTool(long, undefined, { signal: alone.signal });
    await new Promise((resolve) => setTimeout(resolve, 100));
    alone.abort('enough');
    await expect(abandoned).rejects.toThrow('enough');
    await client.ping();
    expect(await client.callTool(slow)).toMatchObject({ n: 1 });
  });

  it('starts a server that has died again, tells whose call was lost, and serves nothing of before', async () => {
    const client = await stdioClient(configFile(command));
    await client.subscribeResource({ uri: 'item:a' });
    await client.callTool({ name: 'write_item', arguments: { id: 'a', text: 'kept in memory' } });
    expect(await client.callTool(read())).toMatchObject({ content: [{ text: 'kept in memory' }] });
    await expect(client.callTool({ name: 'crash' })).rejects.toThrow(
      'went away during this request',
    );
    expect(await client.callTool(read())).toMatchObject({ content: [{ text: 'none' }], n: 1 });
    expect(await asked(client, 'resources/subscribe item:a')).toBe(1);
  });

  it('takes no message that is larger than allowed, and goes on', async () => {
    const client = await stdioClient(configFile({ ...command, max_message: 65_536 }));
    const huge = { name: 'huge', arguments: { size: 1_000_000 } };
    await expect(client.callTool(huge)).rejects.toThrow('went away during this request');
    expect(await client.callTool(read())).toMatchObject({ n: 1 });
  });

  it('shares results between programs on one data directory, and hears of writes', async () => {
    const file = configFile(command);
    const [one, other] = await Promise.all([stdioClient(file), stdioClient(file)]);
    await one.callTool(read());
    expect(await one.callTool(read())).toMatchObject({ n: 1 });
    await other.callTool({ name: 'touch' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await one.callTool(read())).toMatchObject({ n: 2 });
  });

  it('tells of a server that cannot be started', async () => {
    const file = configFile({ command: ['/no/such/program'] });
    await expect(stdioClient(file)).rejects.toThrow('cannot be reached');
  });

  it('keeps results past its own end, for the same user only', async () => {
    const file = configFile(command);
    const first = await stdioClient(file, '--user', 'ann');
    await first.callTool(read());
    await first.close();
    const second = await stdioClient(file, '--user', 'ann');
    await second.callTool(read());
    expect(await asked(second, 'tools/call read_item')).toBe(0);
    const other = await stdioClient(file, '--user', 'bob');
    await other.callTool(read());
    expect(await asked(other, 'tools/call read_item')).toBe(1);
  });
});

describe('economizer mcp on the command line', { timeout: 60_000 }, () => {
  const run = (config: string, ...flags: string[]) =>
    spawnSync(process.execPath, mcpCommand(config, ...flags), { encoding: 'utf8', input: '' });

  it('suggests, by the server’s own annotations, and decides nothing', () => {
    const { stdout, status } = run(configFile(command), '--suggest', '--json');
    const { tools } = JSON.parse(stdout) as { tools: { tool: string; mode: string }[] };
    expect(status).toBe(0);
    expect(tools.find(({ tool }) => tool === 'read_item')).toMatchObject({ mode: 'cache' });
    expect(tools.find(({ tool }) => tool === 'write_item')).toMatchObject({ mode: 'write' });
    expect(tools.find(({ tool }) => tool === 'last')).toMatchObject({ mode: 'write' });
  });

  it('refuses a server that is not there, and to be reached from elsewhere', () => {
    for (const [flag, named] of [
      [['other'], 'Name one of the servers'],
      [['--listen', '0.0.0.0:0'], 'Listen on 127.0.0.1'],
    ] as const) {
      const { stderr, status } = run(configFile(command), ...flag);
      expect(stderr).toContain(named);
      expect(status).toBe(2);
    }
  });
});
