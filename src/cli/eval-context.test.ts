import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recallText } from './eval-context-table.ts';
import { recallOf, recallReport } from './eval-context.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eval-context-'));
});
afterAll(() => rm(folder, { recursive: true }));

const topics = ['the boat', 'a wedding', 'her garden', 'the marathon', 'his violin', 'old maps'];

/** A long dialogue that speaks of each topic once, and of nothing else much. */
const dialogue = (id: string): object => ({
  id,
  messages: Array.from({ length: 240 }, (_, index) => ({
    id: `m${index}`,
    role: index % 2 === 0 ? 'user' : 'assistant',
    session: Math.floor(index / 40),
    content:
      index % 40 === 7
        ? `By the way, I told you about ${topics[Math.floor(index / 40)]}, that was in March.`
        : `Well yes, number ${index} of many things that were said on that day.`,
  })),
  questions: topics.map((topic, order) => ({
    text: `When was it about ${topic}?`,
    evidence: [`m${order * 40 + 7}`],
  })),
});

async function fileOf(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, name.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

describe('eval context', () => {
  it('finds the evidence, and others do not', async () => {
    const lines = [dialogue('a'), dialogue('b')].map((each) => JSON.stringify(each)).join('\n');
    const policies = await recallOf([await fileOf('two.jsonl.gz', lines)], 600);
    const [ours, newest, chance] = policies;
    expect(ours).toMatchObject({ policy: 'economizer', questions: 12, recall: 1, allEvidence: 1 });
    expect(newest!.recall).toBeLessThan(0.3);
    expect(chance!.recall).toBeLessThan(0.6);
    expect(recallReport(ours!)).toEqual({ questions: 12, recall: 1, all_evidence: 1 });
    expect(recallText(policies, 600)).toContain('12 questions at 600 tokens.');
  });

  it('leaves out questions whose evidence is not there, and says so', async () => {
    const record = {
      messages: [{ id: 1, content: [{ type: 'text', text: 'The code is 42.' }] }],
      questions: [
        { text: 'Which code?', evidence: ['1'] },
        { text: 'Which?', evidence: ['9'] },
        { text: 'What?', evidence: [] },
      ],
    };
    const policies = await recallOf([await fileOf('one.jsonl', JSON.stringify(record))], 50);
    expect(policies[0]).toMatchObject({ questions: 1, skipped: 2, recall: 1 });
    expect(recallText(policies, 50)).toContain('2 left out');
  });

  it.each([
    ['not json', '{', 'line 1: a dialogue is an object'],
    ['no id', '{"messages":[{"content":"x"}],"questions":[]}', 'message 1 needs an "id"'],
    ['no text', '{"messages":[],"questions":[{"evidence":["a"]}]}', 'each question needs a "text"'],
    ['nothing', '{"messages":[],"questions":[]}', 'There is no question with evidence'],
  ])('explains a file at fault: %s', async (name, text, told) => {
    const file = await fileOf(`${name}.jsonl`, text);
    await expect(recallOf([file], 50)).rejects.toThrow(told);
  });
});
