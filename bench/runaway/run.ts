/**
 * How often recorded conversations are taken for loops, and what looking costs:
 *   npm run -s bench:runaway -- --traffic FILES
 * Files are in replay's conversation form, comma-separated; each prefix of a conversation that ends before an assistant message is looked at as the call it was.
 */
import { parseArgs } from 'node:util';
import { Readable } from 'node:stream';
import { loopIn } from '../../src/budget/runaway/loops.ts';
import { extendSteps, noSteps, type ToolSteps } from '../../src/exchange/tool-steps.ts';
import { isObject, parseJson, type JsonValue } from '../../src/kernel/json.ts';
import { linesOf } from '../../src/replay/lines.ts';

const { values } = parseArgs({ options: { traffic: { type: 'string' } } });
const files = values.traffic?.split(',') ?? [];
if (files.length === 0) console.log('Name recorded conversations with --traffic FILE,...');
const thresholds = [2, 3, 4, 5, 6, 8];

for (const file of files) {
  const count = { conversations: 0, calls: 0, steps: 0, lookedMs: 0 };
  const warned = new Map<number, { conversations: Set<number>; calls: number }>(
    thresholds.map((each) => [each, { conversations: new Set(), calls: 0 }]),
  );
  for await (const { text } of linesOf(file, Readable.from([]))) {
    const record = parseJson(text);
    if (!isObject(record) || !Array.isArray(record['messages'])) continue;
    count.conversations++;
    let steps: ToolSteps = noSteps;
    for (const message of record['messages'] as readonly JsonValue[]) {
      if (isObject(message) && message['role'] === 'assistant') {
        count.calls++;
        const began = performance.now();
        for (const each of thresholds) {
          if (loopIn(steps, each) === undefined) continue;
          const found = warned.get(each)!;
          found.calls++;
          found.conversations.add(count.conversations);
        }
        count.lookedMs += (performance.now() - began) / thresholds.length;
      }
      const before = steps.length;
      steps = extendSteps(steps, 'openai-chat', [message]);
      if (steps.length > before) count.steps++;
    }
  }
  console.log(
    `${file}: ${count.conversations} conversations, ${count.calls} calls, ${count.steps} tool calls`,
  );
  console.log(`  a look takes ${((1000 * count.lookedMs) / count.calls).toFixed(2)} us`);
  for (const [each, found] of warned) {
    console.log(
      `  from ${each} repetitions on: ${found.conversations.size} conversations warned of, at ${found.calls} calls`,
    );
  }
}
