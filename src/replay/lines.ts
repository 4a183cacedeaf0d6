import { createReadStream } from 'node:fs';
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { EconomizerError } from '../kernel/errors.ts';

export interface Line {
  /** As it was given; `-` for standard input. */
  readonly file: string;
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
}

const gzipMagic = Buffer.from([0x1f, 0x8b]);
const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/**
 * The lines of a text file that may be plain, gzip or zstd: its first bytes tell, not its name. `-` is `standardInput`.
 * Empty lines are left out.
 * @throws EconomizerError `ECO_FILE` naming the file, and the line where there is one.
 */
export async function* linesOf(file: string, standardInput: Readable): AsyncGenerator<Line> {
  const source = file === '-' ? standardInput : createReadStream(file);
  let number = 0;
  try {
    for await (const text of linesIn(await unpacked(source))) {
      number++;
      if (text.trim() !== '') yield { file, number, text };
    }
  } catch (cause) {
    if (EconomizerError.is(cause)) throw cause;
    throw new EconomizerError('ECO_FILE', `${file}: ${reasonOf(cause)}.`, { cause });
  }
}

/**
 * Text between line feeds. `node:readline` will not do: it breaks lines at U+2028 and U+2029 too, which JSON text may hold as they are.
 * A carriage return before the line feed is white space to JSON.
 */
async function* linesIn(source: Readable): AsyncGenerator<string> {
  // A decoder passes over a byte order mark, and keeps a letter that two chunks share.
  const decoder = new TextDecoder();
  let begun: string[] = [];
  for await (const chunk of source as AsyncIterable<Buffer>) {
    const [first, ...rest] = decoder.decode(chunk, { stream: true }).split('\n');
    begun.push(first!);
    for (const next of rest) {
      yield begun.join('');
      begun = [next];
    }
  }
  yield begun.join('') + decoder.decode();
}

/** `source` as plain text, whatever it was packed with. */
async function unpacked(source: Readable): Promise<Readable> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let head = Buffer.alloc(0);
  while (head.length < zstdMagic.length) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  const whole = Readable.from(withHead(head, chunks), { objectMode: false });
  const unpacker = unpackerFor(head);
  if (unpacker === undefined) return whole;
  // A failure destroys the unpacker with its cause, and the reader of the lines throws it.
  return pipeline(whole, unpacker, () => {});
}

function unpackerFor(head: Buffer): Transform | undefined {
  if (head.subarray(0, gzipMagic.length).equals(gzipMagic)) return createGunzip();
  if (head.subarray(0, zstdMagic.length).equals(zstdMagic)) return createZstdDecompress();
  return undefined;
}

async function* withHead(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* { [Symbol.asyncIterator]: () => rest };
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'this file may not be read';
  if (code === 'EISDIR') return 'this is a folder; give the files in it';
  if (code.startsWith('Z_') || code.startsWith('ZSTD'))
    return 'the packed file is damaged or cut off';
  return cause instanceof Error ? cause.message : 'it cannot be read';
}
