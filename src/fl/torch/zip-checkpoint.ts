import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import type { ByteSource } from './byte-source.ts';
import { COST } from './creation-budget.ts';
import { malformed, quoted } from './malformed.ts';
import type { DecodedPickle } from './pickle-decoder.ts';
import type { PickleValue, StorageNode } from './pickle-value.ts';
import type { Reading, StoragePlace, StorageStore } from './storage-store.ts';
import { storageBytes } from './tensor-layout.ts';
import { payloadOffset, readZipDirectory, type ZipDirectory, type ZipRecord } from './zip-directory.ts';

const inflate = promisify(inflateRaw);

/** The versions of the container that exist; torch.save writes 3. */
const VERSION_MAX = 10;
const VERSION_BYTES_MAX = 16;

/** The archive of PyTorch 1.6 and later. */
export class ZipStore implements StorageStore {
  root: PickleValue;
  readonly foreign: ReadonlySet<string>;
  readonly #source: ByteSource;
  readonly #directory: ZipDirectory;
  readonly #reading: Reading;

  private constructor(source: ByteSource, directory: ZipDirectory, reading: Reading, pickle: DecodedPickle) {
    this.root = pickle.value;
    this.foreign = pickle.foreign;
    this.#source = source;
    this.#directory = directory;
    this.#reading = reading;
  }

  /** Read the directory and the pickle stream; no storage. Errors: CorruptError. */
  static async open(source: ByteSource, reading: Reading): Promise<ZipStore> {
    const { limits, decoder, budget } = reading;
    const directory = await readZipDirectory(source, limits, budget);
    if (directory.records.has('constants.pkl'))
      throw malformed('unsupported', 'the file is a TorchScript program, not a checkpoint');
    const archive = { source, directory, reading };
    await checkVersion(archive);
    const record = directory.records.get('data.pkl');
    if (record === undefined) throw malformed('bad-directory', 'the archive has no data.pkl');
    if (record.method === 'deflated')
      budget.charge(COST.inflatedPickle * record.sizeBytes, 'instructions for its length');
    const pickle = await readRecord(archive, record, limits.pickleBytesMax);
    return new ZipStore(source, directory, reading, decoder.decodeAll(pickle, budget));
  }

  releaseTree(): void {
    this.root = null;
  }

  /** Errors: CorruptError 'bad-storage' when the record is missing or of another size. */
  place(storage: StorageNode): StoragePlace | Promise<StoragePlace> {
    const record = this.#directory.records.get(`data/${storage.key}`);
    if (record === undefined) throw malformed('bad-storage', `storage ${quoted(storage.key)} is missing`);
    const expected = storageBytes(storage);
    if (record.sizeBytes !== expected)
      throw malformed('bad-storage', `storage ${quoted(storage.key)} has another size than its tensors say`, {
        expected,
        actual: record.sizeBytes,
      });
    if (record.method === 'stored') {
      const offset = payloadOffset(this.#source, this.#directory, record);
      return { kind: 'file', offset, sizeBytes: expected, crc32: record.crc32 };
    }
    return this.#unpack(record);
  }

  async #unpack(record: ZipRecord): Promise<StoragePlace> {
    const archive = { source: this.#source, directory: this.#directory, reading: this.#reading };
    const bytes = await readRecord(archive, record, this.#reading.limits.inflatedBytesMax);
    return { kind: 'memory', bytes };
  }
}

interface Archive {
  readonly source: ByteSource;
  readonly directory: ZipDirectory;
  readonly reading: Reading;
}

async function checkVersion(archive: Archive): Promise<void> {
  const { records } = archive.directory;
  const record = records.get('version') ?? records.get('.data/version');
  if (record === undefined) throw malformed('bad-directory', 'the archive has no version');
  const text = (await readRecord(archive, record, VERSION_BYTES_MAX)).toString('latin1').trim();
  const version = /^[0-9]+$/u.test(text) ? Number(text) : Number.NaN;
  if (!(version >= 1 && version <= VERSION_MAX))
    throw malformed('unsupported', `the archive's version is ${quoted(text)}; 1 to ${VERSION_MAX} are known`);
  const order = records.get('byteorder');
  if (order === undefined) return;
  const word = (await readRecord(archive, order, VERSION_BYTES_MAX)).toString('latin1');
  if (word !== 'little') throw malformed('unsupported', `the archive's byte order is ${quoted(word)}`);
}

/** Read one record whole and check it. Errors: CorruptError 'too-large' | 'over-budget' | 'bad-checksum' | 'bad-record'. */
async function readRecord(
  { source, directory, reading }: Archive,
  record: ZipRecord,
  bytesMax: number,
): Promise<Buffer> {
  if (record.sizeBytes > bytesMax || record.storedBytes > bytesMax)
    throw malformed('too-large', `record ${quoted(record.name)} claims ${record.sizeBytes} bytes`, {
      max: bytesMax,
    });
  if (record.method === 'deflated') reading.budget.inflate(record.sizeBytes, record.name);
  const stored = await source.read(payloadOffset(source, directory, record), record.storedBytes);
  const bytes = record.method === 'stored' ? stored : await inflateBounded(stored, record);
  if (crc32(bytes) !== record.crc32)
    throw malformed('bad-checksum', `record ${quoted(record.name)} is damaged: its checksum differs`);
  return bytes;
}

async function inflateBounded(stored: Buffer, record: ZipRecord): Promise<Buffer> {
  try {
    const bytes = await inflate(stored, { maxOutputLength: Math.max(1, record.sizeBytes) });
    if (bytes.length === record.sizeBytes) return bytes;
  } catch {
    // Falls through to the one error: whatever zlib objects to, the record is not what the directory says.
  }
  throw malformed('bad-record', `record ${quoted(record.name)} does not inflate to the size that it claims`);
}
