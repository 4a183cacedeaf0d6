import { digestOf } from '../kernel/digest.ts';
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts';
import { seededRandom } from '../kernel/random.ts';

const dimensions = 16;

/** Vectors of length one that depend on the text alone, as numbers or, as the SDK asks by default, in base64. */
export function fakeEmbeddings(body: JsonObject): JsonValue[] {
  const { input } = body;
  const texts: readonly unknown[] = Array.isArray(input) && !isObject(input[0]) ? input : [input];
  return texts.map((text, index) => {
    const vector = vectorOf(typeof text === 'string' ? text : JSON.stringify(text));
    const isBase64 = body['encoding_format'] === 'base64';
    const embedding = isBase64 ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
}

function vectorOf(text: string): Float32Array {
  const random = seededRandom(
    Number.parseInt(Buffer.from(digestOf(text)).toString('hex', 0, 4), 16),
  );
  const vector = Float32Array.from({ length: dimensions }, () => random.next() * 2 - 1);
  const length = Math.hypot(...vector);
  return vector.map((each) => each / length);
}
