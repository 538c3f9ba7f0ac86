/** Room that a stream starts with. Units: bytes. */
const FIRST_BYTES = 32 * 1024;

/**
 * Bytes that are appended one after the other, integers in little-endian order.
 *
 * Guarantees: amortised constant time; no object for each part.
 */
export class GrowingBytes {
  #buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  /** Everything so far. Valid until more is appended. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** Start again from nothing, in the same room. */
  clear(): void {
    this.#length = 0;
  }

  uint8(value: number): void {
    this.#makeRoom(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  uint16(value: number): void {
    this.#makeRoom(2);
    this.#length = this.#buffer.writeUInt16LE(value, this.#length);
  }

  uint32(value: number): void {
    this.#makeRoom(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  int32(value: number): void {
    this.#makeRoom(4);
    this.#length = this.#buffer.writeInt32LE(value, this.#length);
  }

  /** A whole number of eight bytes, negative ones in two's complement. */
  int64(value: number): void {
    this.#makeRoom(8);
    this.#length = this.#buffer.writeBigInt64LE(BigInt(value), this.#length);
  }

  repeat(value: number, count: number): void {
    this.#makeRoom(count);
    this.#buffer.fill(value, this.#length, this.#length + count);
    this.#length += count;
  }

  append(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** In UTF-8. Returns its length. Units: bytes. */
  text(text: string): number {
    // No character takes more than three bytes for each of its UTF-16 units.
    this.#makeRoom(3 * text.length);
    const written = this.#buffer.write(text, this.#length, 'utf8');
    this.#length += written;
    return written;
  }

  /** In UTF-8, after its length in four bytes. */
  sizedText(text: string): void {
    this.uint32(0);
    const start = this.#length;
    const written = this.text(text);
    this.#buffer.writeUInt32LE(written, start - 4);
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
