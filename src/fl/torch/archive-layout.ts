/** One record of an archive to be written, at its final place. Units: bytes. */
export interface PlacedRecord {
  readonly name: string;
  readonly sizeBytes: number;
  readonly headerOffset: number;
  readonly payloadOffset: number;
  /** Where the data descriptor stands; the record ends after it. */
  readonly payloadEnd: number;
  /** True when its sizes or its place need 64 bits. */
  readonly wide: boolean;
}

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
/** Data of every record starts at a multiple of this, so that it can be mapped into memory. */
const ALIGNMENT_BYTES = 64;
const LIMIT_32 = 0xffffffff;
const LIMIT_16 = 0xffff;
/** Sizes and checksum follow the data; names are UTF-8. */
const FLAGS = 0x0808;
const PADDING_FIELD = Buffer.from('FB', 'latin1').readUInt16LE(0);
const ZIP64_FIELD = 0x0001;
const VERSION_ZIP64 = 45;

/**
 * Place records one after the other as PyTorch does.
 *
 * Guarantees: the place of every byte is known before the first is written, so that records can be written in any
 * order; payloads are aligned.
 * Source: APPNOTE.TXT 6.3.10; caffe2/serialize/inline_container.cc for the padding.
 */
export function placeRecords(records: readonly { name: string; sizeBytes: number }[]): PlacedRecord[] {
  const placed: PlacedRecord[] = [];
  let at = 0;
  for (const { name, sizeBytes } of records) {
    const wide = sizeBytes >= LIMIT_32 || at >= LIMIT_32;
    const unpadded = at + LOCAL_BYTES + Buffer.byteLength(name) + 4;
    const payloadOffset = Math.ceil(unpadded / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    const payloadEnd = payloadOffset + sizeBytes;
    placed.push({ name, sizeBytes, headerOffset: at, payloadOffset, payloadEnd, wide });
    at = payloadEnd + descriptorBytes(wide);
  }
  return placed;
}

function descriptorBytes(wide: boolean): number {
  return wide ? 24 : 16;
}

/** Where the record after this one starts. */
export function recordEnd(record: PlacedRecord): number {
  return record.payloadEnd + descriptorBytes(record.wide);
}

/** The local header with its padding: fills the space up to the payload. */
export function localHeader(record: PlacedRecord): Buffer {
  const name = Buffer.from(record.name);
  const header = Buffer.alloc(record.payloadOffset - record.headerOffset, 'Z');
  header.fill(0, 0, LOCAL_BYTES);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(record.wide ? VERSION_ZIP64 : 0, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(name.length, 26);
  name.copy(header, LOCAL_BYTES);
  const extra = LOCAL_BYTES + name.length;
  header.writeUInt16LE(header.length - extra, 28);
  header.writeUInt16LE(PADDING_FIELD, extra);
  header.writeUInt16LE(header.length - extra - 4, extra + 2);
  return header;
}

/** Checksum and sizes, right after the payload. */
export function dataDescriptor(record: PlacedRecord, crc32: number): Buffer {
  const descriptor = Buffer.alloc(descriptorBytes(record.wide));
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(crc32, 4);
  if (record.wide) {
    descriptor.writeBigUInt64LE(BigInt(record.sizeBytes), 8);
    descriptor.writeBigUInt64LE(BigInt(record.sizeBytes), 16);
  } else {
    descriptor.writeUInt32LE(record.sizeBytes, 8);
    descriptor.writeUInt32LE(record.sizeBytes, 12);
  }
  return descriptor;
}

/** The central directory and the end records. 64-bit records are written where they are needed, and only there. */
export function directoryOf(records: readonly PlacedRecord[], checksums: readonly number[]): Buffer {
  const last = records.at(-1);
  const offset = last === undefined ? 0 : recordEnd(last);
  const entries = records.map((record, index) => centralEntry(record, checksums[index] ?? 0));
  const sizeBytes = entries.reduce((sum, entry) => sum + entry.length, 0);
  const needs64 = records.length >= LIMIT_16 || offset >= LIMIT_32 || sizeBytes >= LIMIT_32;
  const tail = needs64 ? [end64(records.length, sizeBytes, offset)] : [];
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(records.length, LIMIT_16), 8);
  end.writeUInt16LE(Math.min(records.length, LIMIT_16), 10);
  end.writeUInt32LE(Math.min(sizeBytes, LIMIT_32), 12);
  end.writeUInt32LE(Math.min(offset, LIMIT_32), 16);
  return Buffer.concat([...entries, ...tail, end]);
}

function centralEntry(record: PlacedRecord, crc32: number): Buffer {
  const name = Buffer.from(record.name);
  const wideFields = [record.sizeBytes, record.sizeBytes, record.headerOffset].filter(
    (value) => value >= LIMIT_32,
  );
  const extraBytes = wideFields.length === 0 ? 0 : 4 + 8 * wideFields.length;
  const entry = Buffer.alloc(CENTRAL_BYTES + name.length + extraBytes);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(record.wide ? VERSION_ZIP64 : 0, 6);
  entry.writeUInt16LE(FLAGS, 8);
  entry.writeUInt32LE(crc32, 16);
  entry.writeUInt32LE(Math.min(record.sizeBytes, LIMIT_32), 20);
  entry.writeUInt32LE(Math.min(record.sizeBytes, LIMIT_32), 24);
  entry.writeUInt16LE(name.length, 28);
  entry.writeUInt16LE(extraBytes, 30);
  entry.writeUInt32LE(Math.min(record.headerOffset, LIMIT_32), 42);
  name.copy(entry, CENTRAL_BYTES);
  if (extraBytes === 0) return entry;
  const extra = CENTRAL_BYTES + name.length;
  entry.writeUInt16LE(ZIP64_FIELD, extra);
  entry.writeUInt16LE(extraBytes - 4, extra + 2);
  for (const [index, value] of wideFields.entries())
    entry.writeBigUInt64LE(BigInt(value), extra + 4 + 8 * index);
  return entry;
}

/** The 64-bit end record (56 bytes) and its locator (20 bytes). */
function end64(count: number, sizeBytes: number, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(VERSION_ZIP64, 12);
  record.writeUInt16LE(VERSION_ZIP64, 14);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(sizeBytes), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + sizeBytes), 64);
  record.writeUInt32LE(1, 72);
  return record;
}
