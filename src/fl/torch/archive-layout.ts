import type { GrowingBytes } from './growing-bytes.ts';

/** One record of an archive to be written, at its final place. Units: bytes. */
export interface PlacedRecord {
  readonly name: string;
  readonly nameBytes: number;
  readonly sizeBytes: number;
  readonly headerOffset: number;
  readonly payloadOffset: number;
  /** Where the data descriptor stands; the record ends after it. */
  readonly payloadEnd: number;
  /** True when its sizes or its place need 64 bits. */
  readonly wide: boolean;
}

const LOCAL_BYTES = 30;
/** Data of every record starts at a multiple of this, so that it can be mapped into memory. */
const ALIGNMENT_BYTES = 64;
const LIMIT_32 = 0xffffffff;
const LIMIT_16 = 0xffff;
/** Sizes and checksum follow the data; names are UTF-8. */
const FLAGS = 0x0808;
const PADDING_FIELD = Buffer.from('FB', 'latin1').readUInt16LE(0);
const PADDING_BYTE = 0x5a;
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
    const nameBytes = Buffer.byteLength(name);
    const unpadded = at + LOCAL_BYTES + nameBytes + 4;
    const payloadOffset = Math.ceil(unpadded / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    const payloadEnd = payloadOffset + sizeBytes;
    placed.push({ name, nameBytes, sizeBytes, headerOffset: at, payloadOffset, payloadEnd, wide });
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

/** Append the local header with its padding: fills the space up to the payload. */
export function appendLocalHeader(target: GrowingBytes, record: PlacedRecord): void {
  const extraBytes = record.payloadOffset - record.headerOffset - LOCAL_BYTES - record.nameBytes;
  target.uint32(0x04034b50);
  target.uint16(record.wide ? VERSION_ZIP64 : 0);
  target.uint16(FLAGS);
  // Method, time, date, checksum and sizes: stored, never, and told after the data.
  target.repeat(0, 18);
  target.uint16(record.nameBytes);
  target.uint16(extraBytes);
  target.text(record.name);
  target.uint16(PADDING_FIELD);
  target.uint16(extraBytes - 4);
  target.repeat(PADDING_BYTE, extraBytes - 4);
}

/** Append checksum and sizes, which stand right after the payload. */
export function appendDataDescriptor(target: GrowingBytes, record: PlacedRecord, crc32: number): void {
  target.uint32(0x08074b50);
  target.uint32(crc32);
  for (let times = 0; times < 2; times += 1)
    if (record.wide) target.int64(record.sizeBytes);
    else target.uint32(record.sizeBytes);
}

/** Append the central directory and the end records. 64-bit records are written where they are needed, and only there. */
export function appendDirectory(
  target: GrowingBytes,
  records: readonly PlacedRecord[],
  checksums: readonly number[],
): void {
  const last = records.at(-1);
  const offset = last === undefined ? 0 : recordEnd(last);
  const start = target.length;
  for (const [index, record] of records.entries()) appendCentralEntry(target, record, checksums[index] ?? 0);
  const sizeBytes = target.length - start;
  if (records.length >= LIMIT_16 || offset >= LIMIT_32 || sizeBytes >= LIMIT_32)
    appendEnd64(target, records.length, sizeBytes, offset);
  target.uint32(0x06054b50);
  target.uint32(0);
  target.uint16(Math.min(records.length, LIMIT_16));
  target.uint16(Math.min(records.length, LIMIT_16));
  target.uint32(Math.min(sizeBytes, LIMIT_32));
  target.uint32(Math.min(offset, LIMIT_32));
  target.uint16(0);
}

function appendCentralEntry(target: GrowingBytes, record: PlacedRecord, crc32: number): void {
  const { sizeBytes, headerOffset } = record;
  const wideFields = (sizeBytes >= LIMIT_32 ? 2 : 0) + (headerOffset >= LIMIT_32 ? 1 : 0);
  const extraBytes = wideFields === 0 ? 0 : 4 + 8 * wideFields;
  target.uint32(0x02014b50);
  target.uint16(0);
  target.uint16(record.wide ? VERSION_ZIP64 : 0);
  target.uint16(FLAGS);
  // Method, time and date.
  target.repeat(0, 6);
  target.uint32(crc32);
  target.uint32(Math.min(sizeBytes, LIMIT_32));
  target.uint32(Math.min(sizeBytes, LIMIT_32));
  target.uint16(record.nameBytes);
  target.uint16(extraBytes);
  // No comment, the first disk, no attributes.
  target.repeat(0, 10);
  target.uint32(Math.min(headerOffset, LIMIT_32));
  target.text(record.name);
  if (extraBytes === 0) return;
  target.uint16(ZIP64_FIELD);
  target.uint16(extraBytes - 4);
  if (sizeBytes >= LIMIT_32) {
    target.int64(sizeBytes);
    target.int64(sizeBytes);
  }
  if (headerOffset >= LIMIT_32) target.int64(headerOffset);
}

/** The 64-bit end record (56 bytes) and its locator (20 bytes). */
function appendEnd64(target: GrowingBytes, count: number, sizeBytes: number, offset: number): void {
  target.uint32(0x06064b50);
  target.int64(44);
  target.uint16(VERSION_ZIP64);
  target.uint16(VERSION_ZIP64);
  target.repeat(0, 8);
  target.int64(count);
  target.int64(count);
  target.int64(sizeBytes);
  target.int64(offset);
  target.uint32(0x07064b50);
  target.uint32(0);
  target.int64(offset + sizeBytes);
  target.uint32(1);
}
