import type { CacheEntry } from '../../src/cache/tier.ts';
import { seededRandom } from '../../src/kernel/random.ts';

const syllables =
  'ab an ar be ca co de di en er fa ga he in is ke la lo ma me na no of on or pa per qua re ro sa se so ta te the to un ve wa';
const parts = syllables.split(' ');

/** Words that repeat as those of prose do: zstd packs them to about half. */
function prose(bytes: number, seed: number): string {
  const random = seededRandom(seed);
  const word = (): string => {
    const rank = Math.floor(2000 ** random.next());
    const own = seededRandom(rank);
    const length = 1 + Math.floor(own.next() * 3);
    return Array.from({ length }, () => parts[Math.floor(own.next() * parts.length)]).join('');
  };
  let text = '';
  while (text.length < bytes) text += `${word()} `;
  return text.slice(0, bytes);
}

/** A plain answer as OpenAI's chat gives it, with a text of so many bytes. */
export function answerEntry(key: string, bytes: number, seed: number): CacheEntry {
  const now = Date.now();
  const content = prose(bytes, seed);
  const message = { role: 'assistant', content };
  const body = {
    id: `chatcmpl-${key}`,
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'gpt-5',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
    usage: { prompt_tokens: 900, completion_tokens: bytes >> 2, total_tokens: 900 + (bytes >> 2) },
  };
  return {
    key,
    storedAt: now,
    freshUntil: now + 3_600_000,
    staleUntil: now + 3_600_000,
    answer: {
      dialect: 'openai-chat',
      model: 'gpt-5',
      serviceTier: undefined,
      final: Buffer.from(JSON.stringify(body)),
      frames: undefined,
      headers: ['content-type', 'application/json'],
      usage: {
        fresh: 900,
        cacheRead: 0,
        cacheWrite5m: 0,
        cacheWrite1h: 0,
        output: bytes >> 2,
        reasoning: 0,
        audioInput: 0,
        audioOutput: 0,
        webSearches: 0,
      },
      usageSource: 'provider',
      firstByteMs: 400,
      totalMs: 3000,
    },
  };
}
