/** The fixture's server over stdio, as a program. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { fixtureServer, newWorld } from './server.ts';

const server = fixtureServer(newWorld(), () => process.exit(3));
await server.connect(new StdioServerTransport());
