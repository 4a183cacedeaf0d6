/**
 * `npm run bench:fitting-overhead`: what fitting costs a request of 200 KB and 100 messages whose prefix was seen before, while no edit is
 * due. CPU time of this process, median of the rounds.
 */
import { Fitter, type FitRequest } from '../../src/context/fitting/fitter.ts';
import { TokenMeter } from '../../src/context/fitting/token-meter.ts';
import { ownBytes } from '../../src/exchange/stream.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Signals } from '../../src/kernel/signals.ts';
import { modelEconomics } from '../../src/ledger/model-economics.ts';
import { createPriceBook } from '../../src/ledger/price-book.ts';

const model = 'gpt-6.1-sol';
const messages = 100;
const rounds = 600;
const batch = 20;
const words = 'customer order shipment status address invoice ';

const history = Array.from({ length: messages }, (_, index) => {
  if (index === 0) return { role: 'system', content: words.repeat(40) };
  if (index === 1) return { role: 'user', content: 'Find the parcel.' };
  const id = `c${index - (index % 2)}`;
  return index % 2 === 0
    ? {
        role: 'assistant',
        content: null,
        tool_calls: [{ id, type: 'function', function: { name: 'look', arguments: '{"at":1}' } }],
      }
    : { role: 'tool', tool_call_id: id, content: `${index} ${words.repeat(85)}` };
});

function bodyOf(count: number): Buffer {
  return ownBytes(Buffer.from(JSON.stringify({ model, messages: history.slice(0, count) })));
}

const book = createPriceBook();
const fitter = new Fitter({
  policy: { tokenBudget: 4096, keepRecent: 50, remove: 'needed' },
  firstSend: { minify: true, refer: true, capCharacters: undefined },
  windowShare: 0.95,
  pins: [],
  limits: { rememberMs: 1_800_000, maxBytes: 64 * 1024 * 1024 },
  meter: new TokenMeter(),
  economics: (question) => modelEconomics(book, question),
  clock: systemClock,
  signals: new Signals(),
});
await fitter.ready();

const request = (callId: string, session: string, body: Buffer): FitRequest => ({
  callId,
  session,
  body,
  scope: 'tenant',
  agent: 'agent',
  dialect: 'openai-chat',
  provider: 'openai',
  model,
  serviceTier: undefined,
});

const earlier = bodyOf(messages - 2);
const whole = bodyOf(messages);
const costs: number[] = [];
let verdict: string | undefined;
for (let round = 0; round < rounds; round++) {
  // Each request goes on with a conversation of its own, whose bytes lie elsewhere: as after other calls in between.
  const sessions = Array.from({ length: batch }, (_, index) => `${round % 4}-${round}-${index}`);
  for (const session of sessions) {
    fitter.fit(request(session, session, ownBytes(Buffer.from(earlier))));
    fitter.effects.forget(session);
  }
  const requests = sessions.map((session) =>
    request(session, session, ownBytes(Buffer.from(whole))),
  );
  const start = process.cpuUsage();
  for (const each of requests) ({ verdict } = fitter.fit(each));
  const { user, system } = process.cpuUsage(start);
  costs.push((user + system) / batch);
  for (const session of sessions) fitter.effects.forget(session);
}
costs.sort((one, other) => one - other);
const at = (share: number): string => costs[Math.floor(share * costs.length)]!.toFixed(0);
console.log(
  `${whole.length} bytes, ${messages} messages, verdict ${verdict}: ${at(0.5)} us CPU a request (p10 ${at(0.1)}, p90 ${at(0.9)})`,
);
