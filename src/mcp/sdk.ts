import { EconomizerError } from '../kernel/errors.ts';

/**
 * The modules of the protocol's SDK, which only who uses MCP installs; loaded when first asked for.
 * @throws EconomizerError `ECO_CONFIG` where it is not installed.
 */
export const sdk = {
  stdioClient: () => loaded(() => import('@modelcontextprotocol/sdk/client/stdio.js')),
  httpClient: () => loaded(() => import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
  stdioServer: () => loaded(() => import('@modelcontextprotocol/sdk/server/stdio.js')),
  httpServer: () => loaded(() => import('@modelcontextprotocol/sdk/server/streamableHttp.js')),
  client: () => loaded(() => import('@modelcontextprotocol/sdk/client/index.js')),
};

async function loaded<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw new EconomizerError(
      'ECO_CONFIG',
      'economizer mcp needs the protocol’s SDK: run `npm install @modelcontextprotocol/sdk`.',
      { cause, param: 'mcp' },
    );
  }
}
