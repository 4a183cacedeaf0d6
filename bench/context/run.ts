/**
 * `npm run bench:context`: what care for the prompt cache brings and costs. Prints tables and writes JSON.
 *   --traffic FILES  comma-separated traffic files of replay's conversation form; without it only the overhead is measured
 *   --models NAMES   comma-separated (claude-sonnet-5-5,gpt-6.1-sol)
 *   --part NAME      overhead, total, each or faults; all where left out
 *   --json           JSON only            --out FILE   writes the JSON there too
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measureEach, measureFaults, measureTotals } from './money.ts';
import { measureOverhead } from './overhead.ts';

const { values } = parseArgs({
  options: {
    traffic: { type: 'string' },
    models: { type: 'string', default: 'claude-sonnet-5-5,gpt-6.1-sol' },
    part: { type: 'string' },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});

const files = values.traffic?.split(',') ?? [];
const models = values.models.split(',');
const wants = (part: string): boolean => values.part === undefined || values.part === part;
const results: Record<string, readonly object[]> = {};
if (wants('overhead')) results['overhead'] = measureOverhead();
if (files.length > 0 && wants('total')) results['total'] = await measureTotals(files, models);
if (files.length > 0 && wants('each')) results['each'] = await measureEach(files, models);
if (files.length > 0 && wants('faults')) results['faults'] = await measureFaults(files, models);

if (!values.json) {
  for (const [part, rows] of Object.entries(results)) {
    console.log(`\n${part}`);
    console.table(rows);
  }
  if (files.length === 0) console.log('Without --traffic only the overhead was measured.');
}
const report = { machine: { cores: cpus().length, node: process.version }, ...results };
if (values.json) console.log(JSON.stringify(report, undefined, 2));
if (values.out !== undefined) {
  writeFileSync(values.out, `${JSON.stringify(report, undefined, 2)}\n`);
}
