import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configOf } from '../config/load.ts';
import type { DoctorReport } from '../replay/doctor/report.ts';
import { doctorText } from './doctor-table.ts';
import { examineFiles } from './doctor.ts';
import { replayFiles, withRecommendedCare } from './replay.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'doctor-'));
});
afterAll(() => rm(folder, { recursive: true }));

const rules = 'You answer for a shop. Be brief, be kind, and never guess a price. '.repeat(120);

/** Calls of a few conversations, each with its own time at the top of the system prompt. */
async function traffic(timed: boolean): Promise<string> {
  const lines: string[] = [];
  for (const topic of ['lamps', 'bulbs', 'cords']) {
    const messages: object[] = [];
    for (let turn = 0; turn < 5; turn++) {
      messages.push({ role: 'user', content: `${topic}, question ${turn}` });
      const at = lines.length * 5000;
      const time = timed ? `Now: ${new Date(Date.UTC(2026, 10, 25) + at).toISOString()}\n` : '';
      const system = { role: 'system', content: `${time}${rules}` };
      const answer = { role: 'assistant', content: `${topic}, answer ${turn}` };
      const request = { model: 'gpt-4o', messages: [system, ...messages] };
      lines.push(JSON.stringify({ session: topic, at_ms: at, request, response: answer }));
      messages.push(answer);
    }
  }
  const file = join(folder, `${timed}.jsonl`);
  await writeFile(file, lines.join('\n'));
  return file;
}

const examine = async (timed: boolean, model?: string): Promise<DoctorReport> =>
  examineFiles([await traffic(timed)], { model, config: configOf({}) });

describe('economizer doctor', () => {
  it('names the culprit, where it stands and what would be moved', async () => {
    const report = await examine(true);
    expect(report).toMatchObject({ calls: 15, sessions: 3 });
    expect(report.culprits[0]).toMatchObject({
      cause: 'timestamp-in-system',
      place: 'messages[0], line 1',
      repair: [expect.stringContaining('- Now: '), expect.stringContaining('+ behind the last')],
    });
    expect(report.lost.usd).toBeCloseTo(report.lost.by['timestamp-in-system']!, 10);
    expect(doctorText(report)).toContain('a date or time in the system prompt');
    const healthy = await examine(false);
    expect(healthy.lost.usd).toBe(0);
    expect(doctorText(healthy)).toContain('Every prefix that could be read was read.');
  });

  it('and a replay with repairs brings it back', async () => {
    const file = await traffic(true);
    const config = withRecommendedCare(configOf({}));
    const repaired = { ...config, care: { ...config.care, repair: true } };
    for (const model of ['gpt-4o', 'claude-sonnet-5-5']) {
      const ill = await replayFiles([file], { model, config });
      const well = await replayFiles([file], { model, config: repaired });
      const clean = await replayFiles([await traffic(false)], { model, config });
      expect(well.answers_changed).toBe(0);
      const back = (ill.with.usd - well.with.usd) / (ill.with.usd - clean.with.usd);
      // One call in fifteen is spent on learning which line changes.
      expect(back).toBeGreaterThan(0.85);
      expect(Object.keys(well.saved.by)).toContain('volatile-repair');
    }
  });
});
