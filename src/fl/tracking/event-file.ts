import { maskedCrc32c } from './crc32c.ts';
import type { Point } from './point.ts';

// The message Event of TensorBoard as protocol buffers carry it. Source: event.proto and summary.proto of TensorBoard
// 2.21: Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5;
// SourceMetadata source_metadata = 10 }, SourceMetadata { string writer = 1 }, Summary { repeated Value value = 1 },
// Value { string tag = 1; float simple_value = 2 }.

/** What every event file begins with. */
const FILE_VERSION = 'brain.Event:2';
/** Who wrote a file, in its first event: by this, later runs know their own. */
const WRITER = 'mila-sync';

const VARINT = 0;
const BITS_64 = 1;
const BYTES = 2;
const BITS_32 = 5;

/** A whole number, seven bits a byte, the lowest first. Units: `value` in 0..2^53. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

const keyOf = (field: number, wireType: number) => varint(field * 8 + wireType);

function delimited(field: number, content: Buffer): Buffer {
  return Buffer.concat([keyOf(field, BYTES), varint(content.length), content]);
}

const text = (field: number, value: string) => delimited(field, Buffer.from(value, 'utf8'));

function double(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([keyOf(field, BITS_64), bytes]);
}

function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([keyOf(field, BITS_32), bytes]);
}

/** One record: length, checksum of the length, data, checksum of the data; all little-endian. */
function record(data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(maskedCrc32c(head.subarray(0, 8)), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(maskedCrc32c(data));
  return Buffer.concat([head, data, tail]);
}

/** The first record of an event file. Units: `atMs` milliseconds since 1970. */
export function fileHeader(atMs: number): Buffer {
  const source = delimited(10, text(1, WRITER));
  return record(Buffer.concat([double(1, atMs / 1000), text(3, FILE_VERSION), source]));
}

/** Points of one moment and one step as a record. */
export function summaryRecord(step: number, atMs: number, points: readonly Point[]): Buffer {
  const values = points.map(({ tag, value }) => delimited(1, Buffer.concat([text(1, tag), float(2, value)])));
  const numbered = Buffer.concat([keyOf(2, VARINT), varint(step)]);
  return record(Buffer.concat([double(1, atMs / 1000), numbered, delimited(5, Buffer.concat(values))]));
}

/** Whether a file begins as one that this program wrote. */
export function isOwnEventFile(head: Uint8Array): boolean {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (bytes.length < fileHeader(0).length) return false;
  // Only the moment differs from file to file: it is the first field of the data, behind 12 bytes of the frame.
  const atMs = bytes.readDoubleLE(13) * 1000;
  const own = fileHeader(atMs);
  return Buffer.compare(bytes.subarray(0, own.length), own) === 0;
}
