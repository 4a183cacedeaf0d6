import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  CreateMessageResultSchema,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

type Arguments = Readonly<Record<string, string | number | undefined>>;

const item = {
  type: 'object',
  properties: { id: { type: 'string' }, depth: { type: 'integer', default: 1 } },
};
const tool = (name: string, annotations: object = {}, inputSchema: object = item) => ({
  name,
  inputSchema,
  annotations,
});

/** What a server has been asked, in order, such as `tools/call read_item`; shared by all sessions of one world. */
export interface World {
  readonly asked: string[];
  readonly items: Map<string, string>;
  readonly cancelled: string[];
}

export function newWorld(): World {
  return { asked: [], items: new Map(), cancelled: [] };
}

/** A server that has everything a proxy can get wrong. It tells in each result how often it was asked. */
export function fixtureServer(world: World = newWorld(), crash: () => void = () => {}): Server {
  const server = new Server(
    { name: 'fixture', version: '7' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: {},
        completions: {},
        logging: {},
        experimental: { odd: { deep: [1] } },
      },
      instructions: 'be kind',
    },
  );
  const note = (what: string): number => {
    world.asked.push(what);
    return world.asked.filter((each) => each === what).length;
  };
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    note('tools/list');
    const all = [
      'read_item',
      'write_item',
      'touch',
      'fail',
      'huge',
      'ask',
      'slow',
      'crash',
      'peek',
    ];
    if (params?.cursor === 'page 2') return { tools: [tool('last')], ttlMs: 60_000 };
    const hints = { readOnlyHint: true, openWorldHint: false };
    const tools = all.map((name) => tool(name, name === 'read_item' ? hints : {}));
    return { tools, nextCursor: 'page 2', ttlMs: 60_000, cacheScope: 'public' };
  });
  server.setRequestHandler(ListPromptsRequestSchema, () => {
    note('prompts/list');
    return { prompts: [{ name: 'greet' }] };
  });
  server.setRequestHandler(GetPromptRequestSchema, () => ({
    description: `asked ${note('prompts/get')}`,
    messages: [],
  }));
  server.setRequestHandler(ListResourcesRequestSchema, () => {
    const n = note('resources/list');
    return { resources: [{ uri: 'item:a', name: `a${n}` }], ttlMs: 60_000 };
  });
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
    const n = note(`resources/read ${uri}`);
    const text = `${world.items.get(uri) ?? 'none'} (${n})`;
    return {
      contents: [{ uri, text }],
      ttlMs: uri === 'item:never' ? 0 : 60_000,
      cacheScope: 'private',
    };
  });
  server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
    note(`resources/subscribe ${uri}`);
    return {};
  });
  server.setRequestHandler(SetLevelRequestSchema, () => ({}));
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => ({
    completion: { values: [`${params.argument.value}!`] },
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { name, _meta } = params;
    const given = (params.arguments ?? {}) as Arguments;
    const n = note(`tools/call ${name}`);
    const said = (text: string, more: object = {}) => ({
      content: [{ type: 'text', text }],
      n,
      ...more,
    });
    const id = String(given['id'] ?? 'a');
    switch (name) {
      case 'read_item':
        return said(world.items.get(`item:${id}`) ?? 'none', { structuredContent: { given } });
      case 'write_item':
        world.items.set(`item:${id}`, String(given['text']));
        return said('written');
      case 'touch':
        await server.notification({
          method: 'notifications/resources/updated',
          params: { uri: 'item:a' },
        });
        return said('touched');
      case 'peek':
        return said(world.asked.join(','));
      case 'fail':
        return said('failed', { isError: true });
      case 'huge':
        return said('x'.repeat(Number(given['size'])));
      case 'ask': {
        const request = { messages: [], maxTokens: 5 };
        const answer = await server.request(
          { method: 'sampling/createMessage', params: request },
          CreateMessageResultSchema,
        );
        return said(JSON.stringify(answer.content));
      }
      case 'slow': {
        extra.signal.addEventListener('abort', () => world.cancelled.push(id));
        const progressToken = _meta?.progressToken;
        if (progressToken !== undefined) {
          await extra.sendNotification({
            method: 'notifications/progress',
            params: { progressToken, progress: 1, total: 2, message: 'half' },
          });
        }
        await new Promise((resolve) => setTimeout(resolve, Number(given['ms'] ?? 50)));
        return said('slow', { _meta: { trace: n } });
      }
      case 'crash':
        crash();
        return said('crashed');
      default:
        throw new Error(`There is no tool ${name}.`);
    }
  });
  server.fallbackRequestHandler = (request) => {
    note(request.method);
    return Promise.resolve({ echo: request.params ?? null });
  };
  return server;
}
