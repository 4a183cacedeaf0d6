/**
 * The provider of the benchmark: answers at once with fixed bytes, so that what is measured is the gateway. It is no
 * likeness of a provider; the one that is stands in `src/testing`.
 */
import { createServer } from 'node:http';

const chunkCount = 50;
const words = 'The quick brown fox jumps over the lazy dog and runs on. '.repeat(12);

const plain = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_790_000_000,
    model: 'gpt-4o-2024-08-06',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: words, refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 500, completion_tokens: 150, total_tokens: 650 },
  }),
);

function chunkText(delta: object, finish: string | null): string {
  const chunk = {
    id: 'chatcmpl-bench',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'gpt-4o-2024-08-06',
    service_tier: 'default',
    system_fingerprint: 'fp_bench',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    usage: null,
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

const frames = Array.from({ length: chunkCount }, (_, index) =>
  chunkText({ content: ` word${index}` }, index === chunkCount - 1 ? 'stop' : null),
);
frames.push(
  'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":500,"completion_tokens":50,"total_tokens":550}}\n\ndata: [DONE]\n\n',
);

const server = createServer((request, response) => {
  let streams = false;
  request.on('data', (chunk: Buffer) => {
    // Gateways that write bodies anew may put the member anywhere.
    if (!streams) streams = chunk.includes('"stream":true');
  });
  request.on('end', () => {
    if (!streams) {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': plain.length,
      });
      response.end(plain);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let next = 0;
    const timer = setInterval(() => {
      response.write(frames[next++]!);
      if (next < frames.length) return;
      clearInterval(timer);
      response.end();
    }, 2);
  });
});
server.keepAliveTimeout = 600_000;
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('ready\n'));
