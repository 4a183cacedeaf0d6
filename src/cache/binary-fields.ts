const startBytes = 256;

/** Writes small fields one after the other into bytes that grow as needed. */
export class FieldWriter {
  #bytes = Buffer.allocUnsafe(startBytes);
  #at = 0;

  /** Begins anew; what `bytes` gave before is written over. @param reserved bytes to leave free at the beginning. */
  restart(reserved: number): void {
    this.#at = reserved;
  }

  /** A whole number of at least zero, seven bits a byte, low ones first. */
  count(value: number): void {
    this.#need(10);
    let rest = value;
    // Division and not shifts: these work beyond 32 bits.
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80))
      this.#bytes[this.#at++] = (rest % 0x80) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  double(value: number): void {
    this.#need(8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
  }

  text(value: string): void {
    const size = Buffer.byteLength(value);
    this.count(size);
    this.#need(size);
    this.#at += this.#bytes.write(value, this.#at, 'utf8');
  }

  optionalText(value: string | undefined): void {
    this.count(value === undefined ? 0 : 1);
    if (value !== undefined) this.text(value);
  }

  optionalDouble(value: number | undefined): void {
    this.count(value === undefined ? 0 : 1);
    if (value !== undefined) this.double(value);
  }

  /** What was written, with the reserved bytes before it. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #need(size: number): void {
    if (this.#at + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#at + size) * 2);
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

/** Reads what a `FieldWriter` wrote, in the same order. @throws RangeError of bytes that are not whole, or reads nonsense: a checksum tells. */
export class FieldReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, from: number) {
    this.#bytes = bytes;
    this.#at = from;
  }

  count(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  double(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    const size = this.count();
    return this.#bytes.toString('utf8', this.#at, (this.#at += size));
  }

  /** So many as a count before them says. */
  texts(): string[] {
    const length = this.count();
    if (length > this.#bytes.length - this.#at) throw new RangeError('more texts than bytes');
    return Array.from({ length }, () => this.text());
  }

  optionalText(): string | undefined {
    return this.count() === 0 ? undefined : this.text();
  }

  optionalDouble(): number | undefined {
    return this.count() === 0 ? undefined : this.double();
  }
}
