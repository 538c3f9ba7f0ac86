import type { ByteSource } from './byte-source.ts';
import { COST, CreationBudget } from './creation-budget.ts';
import type { CheckpointLimits } from './limits.ts';
import { malformed, quoted } from './malformed.ts';

/** One record of an archive as its central directory describes it. */
export interface ZipRecord {
  /** The name below the archive's prefix, such as `data/0`. */
  readonly name: string;
  readonly nameBytes: number;
  /** Where the directory has its name. */
  readonly nameAt: number;
  readonly method: 'stored' | 'deflated';
  readonly crc32: number;
  readonly storedBytes: number;
  readonly sizeBytes: number;
  readonly headerOffset: number;
}

/** Every record of an archive, by its name below the prefix. */
export interface ZipDirectory {
  readonly prefix: string;
  readonly records: ReadonlyMap<string, ZipRecord>;
  /** Where the central directory starts: every payload ends before it. */
  readonly payloadEnd: number;
  /** The central directory's own bytes: records' names are compared with them. */
  readonly bytes: Buffer;
  /** Room for one local header, so that reading thousands of them leaves no garbage. */
  readonly headerScratch: Buffer;
}

// Signatures and sizes of APPNOTE.TXT 6.3.10, §4.3; all integers are little-endian.
const LOCAL_SIGNATURE = 0x04034b50;
const CENTRAL_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
const END64_SIGNATURE = 0x06064b50;
const LOCATOR64_SIGNATURE = 0x07064b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const END64_BYTES = 56;
const LOCATOR64_BYTES = 20;
const SATURATED_16 = 0xffff;
const SATURATED_32 = 0xffffffff;
const ZIP64_FIELD = 0x0001;
const FLAG_ENCRYPTED = 0x0001;
const FLAG_STRONG_ENCRYPTION = 0x0040;
const FLAG_MASKED_HEADERS = 0x2000;
/** One record's part of the directory: names of torch are short, extra fields hold at most a zip64 field. */
const CENTRAL_RECORD_BYTES_MAX = 1024;

interface DirectoryPlace {
  readonly count: number;
  readonly sizeBytes: number;
  readonly offset: number;
}

function safeBigInt(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed('out-of-bounds', `${what} is beyond any file`);
  return Number(value);
}

/** Read the end records: torch writes them last, with no comment and nothing after them. */
async function findDirectory(source: ByteSource): Promise<DirectoryPlace> {
  const tailBytes = Math.min(source.sizeBytes, END64_BYTES + LOCATOR64_BYTES + END_BYTES);
  if (tailBytes < END_BYTES) throw malformed('truncated', 'the file is too short for a checkpoint');
  const tail = await source.read(source.sizeBytes - tailBytes, tailBytes);
  const end = tail.subarray(tailBytes - END_BYTES);
  if (end.readUInt32LE(0) !== END_SIGNATURE || end.readUInt16LE(20) !== 0)
    throw malformed('truncated', "the archive's end record is missing: the file is incomplete or has a tail");
  const classic = {
    count: end.readUInt16LE(10),
    sizeBytes: end.readUInt32LE(12),
    offset: end.readUInt32LE(16),
  };
  const locatorAt = tailBytes - END_BYTES - LOCATOR64_BYTES;
  const hasLocator = locatorAt >= END64_BYTES && tail.readUInt32LE(locatorAt) === LOCATOR64_SIGNATURE;
  const place = hasLocator ? readEnd64(tail.subarray(locatorAt - END64_BYTES), source.sizeBytes) : classic;
  if (hasLocator) assertAgrees(classic, place);
  const endsAt = source.sizeBytes - END_BYTES - (hasLocator ? LOCATOR64_BYTES + END64_BYTES : 0);
  // Equality, not only an upper bound: bytes between the directory and its end record would be a second archive.
  if (place.offset + place.sizeBytes !== endsAt)
    throw malformed('bad-directory', "the archive's directory does not end where its end record begins", {
      offset: place.offset,
      sizeBytes: place.sizeBytes,
      expectedEnd: endsAt,
    });
  return place;
}

function readEnd64(record: Buffer, fileBytes: number): DirectoryPlace {
  const recordOffset = fileBytes - END_BYTES - LOCATOR64_BYTES - END64_BYTES;
  const pointsHere = record.readBigUInt64LE(END64_BYTES + 8) === BigInt(recordOffset);
  if (record.readUInt32LE(0) !== END64_SIGNATURE || !pointsHere)
    throw malformed('bad-directory', "the archive's 64-bit end record is not where its locator says");
  return {
    count: safeBigInt(record.readBigUInt64LE(32), 'the number of records'),
    sizeBytes: safeBigInt(record.readBigUInt64LE(40), "the directory's size"),
    offset: safeBigInt(record.readBigUInt64LE(48), "the directory's offset"),
  };
}

function assertAgrees(classic: DirectoryPlace, wide: DirectoryPlace): void {
  const agrees =
    (classic.count === SATURATED_16 || classic.count === wide.count) &&
    (classic.sizeBytes === SATURATED_32 || classic.sizeBytes === wide.sizeBytes) &&
    (classic.offset === SATURATED_32 || classic.offset === wide.offset);
  if (!agrees) throw malformed('bad-directory', "the archive's two end records disagree");
}

/**
 * Read an archive's central directory.
 *
 * Guarantees: names are unique and share one prefix; records lie before the directory and do not overlap by their
 * headers; only stored and deflated, unencrypted records are listed. No payload is read.
 * Errors: CorruptError 'truncated' | 'bad-directory' | 'bad-record' | 'too-large' | 'over-budget'.
 * Source: APPNOTE.TXT 6.3.10; caffe2/serialize/inline_container.cc for what torch adds to it.
 */
export async function readZipDirectory(
  source: ByteSource,
  limits: CheckpointLimits,
  budget: CreationBudget = new CreationBudget(source.sizeBytes, limits),
): Promise<ZipDirectory> {
  const place = await findDirectory(source);
  if (place.count > limits.recordsMax || place.sizeBytes > limits.recordsMax * CENTRAL_RECORD_BYTES_MAX)
    throw malformed('too-large', `the archive claims ${place.count} records`, { max: limits.recordsMax });
  if (place.count === 0) throw malformed('bad-directory', 'the archive is empty');
  const directory = await source.read(place.offset, place.sizeBytes);
  const records = new Map<string, ZipRecord>();
  const cursor: DirectoryCursor = { directory, at: 0, prefix: '', payloadEnd: place.offset };
  let longest = 0;
  for (let index = 0; index < place.count; index += 1) {
    budget.charge(COST.record, 'records');
    const record = readCentralRecord(cursor);
    if (records.has(record.name))
      throw malformed('bad-record', `record ${quoted(record.name)} stands twice in the archive`);
    longest = Math.max(longest, record.nameBytes);
    records.set(record.name, record);
  }
  if (cursor.at !== directory.length)
    throw malformed('bad-directory', "the archive's directory has bytes left over");
  assertDisjoint(records, place.offset);
  const headerScratch = Buffer.allocUnsafeSlow(LOCAL_BYTES + longest);
  return { prefix: cursor.prefix, records, payloadEnd: place.offset, bytes: directory, headerScratch };
}

/** Where in the directory the next record stands, and what all records have in common. */
interface DirectoryCursor {
  readonly directory: Buffer;
  readonly payloadEnd: number;
  at: number;
  /** Empty before the first record. */
  prefix: string;
}

function readCentralRecord(cursor: DirectoryCursor): ZipRecord {
  const { directory, at, payloadEnd } = cursor;
  if (at + CENTRAL_BYTES > directory.length || directory.readUInt32LE(at) !== CENTRAL_SIGNATURE)
    throw malformed('bad-directory', "the archive's directory is cut or overwritten", { offset: at });
  const nameBytes = directory.readUInt16LE(at + 28);
  const extraBytes = directory.readUInt16LE(at + 30);
  const next = at + CENTRAL_BYTES + nameBytes + extraBytes + directory.readUInt16LE(at + 32);
  if (next > directory.length) throw malformed('bad-directory', "a record's name runs past the directory");
  const nameAt = at + CENTRAL_BYTES;
  const name = nameBelowPrefix(cursor, decodeName(directory, nameAt, nameBytes));
  const flags = directory.readUInt16LE(at + 8);
  if ((flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED_HEADERS)) !== 0)
    throw malformed('bad-record', `record ${quoted(name)} is encrypted`);
  let sizeBytes = directory.readUInt32LE(at + 24);
  let storedBytes = directory.readUInt32LE(at + 20);
  let headerOffset = directory.readUInt32LE(at + 42);
  if (sizeBytes === SATURATED_32 || storedBytes === SATURATED_32 || headerOffset === SATURATED_32) {
    const extra = directory.subarray(nameAt + nameBytes, nameAt + nameBytes + extraBytes);
    [sizeBytes, storedBytes, headerOffset] = widen([sizeBytes, storedBytes, headerOffset], extra);
  }
  const method = methodOf(directory.readUInt16LE(at + 10), name);
  if (headerOffset + LOCAL_BYTES + nameBytes + storedBytes > payloadEnd)
    throw malformed('bad-record', `record ${quoted(name)} runs past the end of the data`);
  if (method === 'stored' && storedBytes !== sizeBytes)
    throw malformed('bad-record', `record ${quoted(name)} has two sizes`);
  const crc32 = directory.readUInt32LE(at + 16);
  cursor.at = next;
  return { name, nameBytes, nameAt, method, crc32, storedBytes, sizeBytes, headerOffset };
}

/** torch takes the prefix from the first record and refuses records outside it. */
function nameBelowPrefix(cursor: DirectoryCursor, name: string): string {
  if (cursor.prefix === '') cursor.prefix = name.slice(0, name.indexOf('/') + 1);
  const { prefix } = cursor;
  if (prefix === '' || !name.startsWith(prefix))
    throw malformed('bad-record', `record ${quoted(name)} lies outside the archive's folder`);
  return name.slice(prefix.length);
}

function methodOf(code: number, name: string): ZipRecord['method'] {
  if (code === 0) return 'stored';
  if (code === 8) return 'deflated';
  throw malformed('bad-record', `record ${quoted(name)} is compressed by unknown method ${code}`);
}

/** UTF-8 where it is that; old tools' names byte by byte. */
function decodeName(bytes: Buffer, at: number, length: number): string {
  const text = bytes.toString('utf8', at, at + length);
  return text.includes('\ufffd') ? bytes.toString('latin1', at, at + length) : text;
}

/** Replace saturated 32-bit fields by those of the zip64 extra field, which holds only these, in this order. */
function widen(fields: readonly [number, number, number], extra: Buffer): [number, number, number] {
  const widened: [number, number, number] = [...fields];
  let at = 0;
  while (at + 4 <= extra.length) {
    const id = extra.readUInt16LE(at);
    const length = extra.readUInt16LE(at + 2);
    let field = at + 4;
    at = field + length;
    if (id !== ZIP64_FIELD || at > extra.length) continue;
    for (const [index, value] of fields.entries()) {
      if (value !== SATURATED_32) continue;
      if (field + 8 > at) throw malformed('bad-record', 'a 64-bit size is missing');
      widened[index] = safeBigInt(extra.readBigUInt64LE(field), "a record's size");
      field += 8;
    }
    return widened;
  }
  throw malformed('bad-record', 'a 64-bit size is missing');
}

function assertDisjoint(records: ReadonlyMap<string, ZipRecord>, payloadEnd: number): void {
  let previous: ZipRecord | undefined;
  for (const record of [...records.values()].sort((a, b) => a.headerOffset - b.headerOffset)) {
    if (previous !== undefined) assertEndsBefore(previous, record.headerOffset);
    previous = record;
  }
  if (previous !== undefined) assertEndsBefore(previous, payloadEnd);
}

function assertEndsBefore(record: ZipRecord, limit: number): void {
  const end = record.headerOffset + LOCAL_BYTES + record.nameBytes + record.storedBytes;
  if (end > limit) throw malformed('bad-record', `record ${quoted(record.name)} overlaps the next one`);
}

/**
 * Where a record's payload starts: after the local header, whose extra field (torch's padding) only it tells.
 *
 * Errors: CorruptError 'bad-record' when the header is not this record's.
 */
export function payloadOffset(source: ByteSource, directory: ZipDirectory, record: ZipRecord): number {
  const { headerScratch: header, bytes } = directory;
  const { nameAt, nameBytes } = record;
  const headerBytes = LOCAL_BYTES + nameBytes;
  source.readIntoSync(header, record.headerOffset, headerBytes);
  // A header of another name would let two records share one payload.
  const isIts =
    header.readUInt32LE(0) === LOCAL_SIGNATURE &&
    header.readUInt16LE(26) === nameBytes &&
    header.compare(bytes, nameAt, nameAt + nameBytes, LOCAL_BYTES, headerBytes) === 0;
  if (!isIts) throw malformed('bad-record', `record ${quoted(record.name)} is not where the directory says`);
  const offset = record.headerOffset + headerBytes + header.readUInt16LE(28);
  if (offset + record.storedBytes > directory.payloadEnd)
    throw malformed('bad-record', `record ${quoted(record.name)} runs past the end of the data`);
  return offset;
}
