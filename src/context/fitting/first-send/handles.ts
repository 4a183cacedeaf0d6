import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { digestOf } from '../../../kernel/digest.ts';

/** What was left out of capped results, compressed, until nobody has asked for it for a while. */
export class Handles {
  readonly #maxBytes: number;
  /** By handle, in the order of use. */
  readonly #kept = new Map<string, Buffer>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Keeps a text; the handle depends on the text and on whose it is, so that nobody reads another's.
   * @param scope tenant and credential.
   */
  keep(scope: string, text: string): string {
    const handle = handleOf(scope, text);
    this.#put(handle, this.#kept.get(handle) ?? zstdCompressSync(Buffer.from(text)));
    return handle;
  }

  /** The text behind a handle; undefined where it is kept no more, or is somebody else's. */
  find(scope: string, handle: string): string | undefined {
    const packed = this.#kept.get(handle);
    if (packed === undefined) return undefined;
    const text = zstdDecompressSync(packed).toString('utf8');
    if (handleOf(scope, text) !== handle) return undefined;
    this.#put(handle, packed);
    return text;
  }

  #put(handle: string, packed: Buffer): void {
    this.#bytes += packed.length - (this.#kept.get(handle)?.length ?? 0);
    this.#kept.delete(handle);
    this.#kept.set(handle, packed);
    for (const [oldest, { length }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes || this.#kept.size === 1) break;
      this.#kept.delete(oldest);
      this.#bytes -= length;
    }
  }
}

function handleOf(scope: string, text: string): string {
  return `eco-${digestOf(`${scope}\n${text}`).slice(0, 12).replaceAll(/[-_]/g, 'x')}`;
}
