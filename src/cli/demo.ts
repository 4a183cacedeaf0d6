import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { configOf } from '../config/load.ts';
import { sendWorkload, demoAnswers } from '../demo/send-workload.ts';
import { summarise, type DemoSummary } from '../demo/summary.ts';
import { demoWorkload } from '../demo/workload.ts';
import { systemClock } from '../kernel/clock.ts';
import { seededRandom } from '../kernel/random.ts';
import { prefixRules } from '../ledger/prefix-rules.ts';
import { startGateway, type RunningGateway } from '../main.ts';
import { BillingBrain } from '../replay/provider/billing-brain.ts';
import { loadTokenizer } from '../replay/provider/tokenizer.ts';
import { startFakeProvider } from '../testing/fake-provider.ts';
import { demoText } from './demo-table.ts';
import { print, printError, printJson } from './output.ts';
import { untilStopped } from './serve.ts';

interface DemoFlags {
  readonly exit?: boolean;
  readonly port?: string;
  readonly json?: boolean;
}

/** Times as fast as a real provider: the whole demo takes a few seconds. */
const speed = 10;
const seed = 2026;

/** `economizer demo` */
export function demoCommand(): Command {
  return new Command('demo')
    .description(
      'Starts the gateway and a simulated provider, sends sample agent traffic and shows what was saved. Needs no key and no network.',
    )
    .option('--exit', 'end after the table instead of serving on')
    .option('--port <port>', 'port of the gateway (default: any free one)')
    .option('--json', 'print one JSON object')
    .action(async (flags: DemoFlags) => {
      const demo = await startDemo(flags.port ?? '0');
      try {
        if (flags.json !== true)
          print('Sending sample agent traffic to a simulated provider ...\n');
        const summary = await demo.run();
        if (flags.json === true) printJson({ url: demo.url, ...summary });
        else print(demoText(summary, speed));
        if (flags.exit === true) return;
        printError(invitation(demo.url));
        await untilStopped({ gateway: demo.gateway, process, clock: systemClock });
      } finally {
        await demo.close();
      }
    });
}

interface Demo {
  readonly url: string;
  readonly gateway: RunningGateway;
  /** Sends the workload; resolves with what the ledger says of it. */
  run(): Promise<DemoSummary>;
  close(): Promise<void>;
}

/**
 * The whole gateway on a directory of its own that goes with it, and a simulated provider behind it.
 * @throws EconomizerError `ECO_CONFIG` or `ECO_PORT_TAKEN` where the port cannot be had; nothing is left open then.
 */
export async function startDemo(port: string): Promise<Demo> {
  const lanes = demoWorkload(seededRandom(seed));
  const tokenizer = await loadTokenizer();
  await using parts = new AsyncDisposableStack();
  const provider = await startFakeProvider({
    answer: demoAnswers(lanes),
    brain: new BillingBrain({ tokenizer, rulesOf: prefixRules, speed }),
    models: ['gpt-5.4', 'claude-sonnet-5-5'],
  });
  parts.defer(() => provider.close());
  const directory = await mkdtemp(join(tmpdir(), 'economizer-demo-'));
  parts.defer(() => rm(directory, { recursive: true, force: true }));
  const gateway = await startGateway(configFor({ port, directory, providerUrl: provider.url }));
  parts.defer(() => gateway.stop());
  const opened = parts.move();
  return {
    url: gateway.url,
    gateway,
    async run() {
      await sendWorkload(lanes, gateway.url);
      const { ledger } = gateway.assembly;
      await ledger?.flush();
      return summarise((await ledger?.recent(lanes.flat(2).length)) ?? []);
    },
    close: () => opened.disposeAsync(),
  };
}

function configFor(parts: { port: string; directory: string; providerUrl: string }): Config {
  const { port, directory, providerUrl } = parts;
  return configOf({
    listen: { host: '127.0.0.1', port },
    data: directory,
    providers: {
      openai: { kind: 'openai', base_url: `${providerUrl}/v1`, api_key: 'sk-demo' },
      anthropic: { kind: 'anthropic', base_url: providerUrl, api_key: 'sk-ant-demo' },
    },
  });
}

function invitation(url: string): string {
  const body = '{"model":"gpt-5.4","messages":[{"role":"user","content":"Hello"}]}';
  return [
    '',
    `The gateway serves on at ${url} until Ctrl-C. Try it twice; the second answer comes from the cache:`,
    '',
    `  curl -i ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
    '',
  ].join('\n');
}
