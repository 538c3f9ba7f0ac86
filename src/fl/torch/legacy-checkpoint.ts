import type { ByteSource } from './byte-source.ts';
import { malformed, quoted } from './malformed.ts';
import { PickleMachine, type PickleResult } from './pickle-machine.ts';
import { isNode, type PickleValue, type StorageNode } from './pickle-value.ts';
import type { Reading, StoragePlace, StorageStore } from './storage-store.ts';
import { storageBytes } from './tensor-layout.ts';

/** The first pickle of the stream, which holds the format's magic number. */
const MAGIC = Buffer.from('8002 8a0a 6cfc9c46f920 6aa85019 2e'.replaceAll(' ', ''), 'hex');
const PROTOCOL_VERSION = 1001;
/** First guess at how much of the file the pickles take. Units: bytes. */
const HEAD_BYTES = 256 * 1024;
const NUMEL_BYTES = 8;

/** True when the file starts as torch.save did before PyTorch 1.6. */
export function isLegacyStream(head: Buffer): boolean {
  return head.subarray(0, MAGIC.length).equals(MAGIC);
}

interface Pickles {
  readonly root: PickleValue;
  readonly foreign: ReadonlySet<string>;
  readonly storages: ReadonlyMap<string, StorageNode>;
  readonly keys: readonly string[];
  readonly end: number;
}

/** The format of PyTorch before 1.6: five pickles, then each storage after its length. */
export class LegacyStore implements StorageStore {
  root: PickleValue;
  readonly foreign: ReadonlySet<string>;
  readonly #source: ByteSource;
  readonly #keys: readonly string[];
  /** Where each storage's length stands, as far as the file was followed. */
  readonly #offsets: number[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #storages: ReadonlyMap<string, StorageNode>;

  private constructor(source: ByteSource, pickles: Pickles) {
    this.root = pickles.root;
    this.foreign = pickles.foreign;
    this.#source = source;
    this.#keys = pickles.keys;
    this.#positions = new Map(pickles.keys.map((key, index) => [key, index]));
    this.#offsets = [pickles.end];
    this.#storages = pickles.storages;
  }

  static async open(source: ByteSource, reading: Reading): Promise<LegacyStore> {
    const { limits, budget } = reading;
    const spent = budget.spentBytes;
    for (let length = HEAD_BYTES; ; length *= 4) {
      const bytes = Math.min(length, source.sizeBytes, limits.pickleBytesMax);
      const head = await source.read(0, bytes);
      try {
        return new LegacyStore(source, readPickles(head, reading));
      } catch (error) {
        // Only a stream that is longer than the piece read so far is worth another, larger piece.
        const isCut = error instanceof Error && 'code' in error && error.code === 'pickle-truncated';
        if (!isCut || bytes === source.sizeBytes || bytes === limits.pickleBytesMax) throw error;
        budget.rewind(spent);
      }
    }
  }

  releaseTree(): void {
    this.root = null;
  }

  /** Errors: CorruptError 'bad-storage' when the storage is missing or of another size. */
  place(storage: StorageNode): StoragePlace {
    const position = this.#positions.get(storage.key);
    if (position === undefined) throw malformed('bad-storage', `storage ${quoted(storage.key)} is missing`);
    while (this.#offsets.length <= position + 1) this.#followOne();
    const offset = (this.#offsets[position] ?? 0) + NUMEL_BYTES;
    return { kind: 'file', offset, sizeBytes: storageBytes(storage), crc32: null };
  }

  /** Find the next storage's end, checking its length against what the pickle says. */
  #followOne(): void {
    const index = this.#offsets.length - 1;
    const key = this.#keys[index] ?? '';
    const at = this.#offsets[index] ?? 0;
    const storage = this.#storages.get(key);
    if (storage === undefined) throw malformed('bad-storage', `storage ${quoted(key)} is of no known type`);
    const length = Buffer.allocUnsafe(NUMEL_BYTES);
    this.#source.readIntoSync(length, at);
    const end = at + NUMEL_BYTES + storageBytes(storage);
    if (length.readBigInt64LE(0) !== BigInt(storage.numel))
      throw malformed('bad-storage', `storage ${quoted(key)} has another length than its tensors say`);
    if (end > this.#source.sizeBytes) throw malformed('truncated', 'the file ends inside a storage');
    this.#offsets.push(end);
  }
}

function readPickles(head: Buffer, reading: Reading): Pickles {
  const version = runAt(head, MAGIC.length, reading);
  if (version.value !== PROTOCOL_VERSION)
    throw malformed('unsupported', 'the legacy stream has another version');
  const system = runAt(head, version.end, reading);
  const little =
    isNode(system.value) && system.value.kind === 'dict' && system.value.entries.get('little_endian');
  if (little !== true) throw malformed('unsupported', "the legacy stream's byte order is not little-endian");
  const root = runAt(head, system.end, reading);
  const keys = runAt(head, root.end, reading);
  if (!isNode(keys.value) || keys.value.kind !== 'list')
    throw malformed('bad-storage', 'the legacy stream has no list of storages');
  const names = keys.value.items.filter((name) => typeof name === 'string');
  if (names.length !== keys.value.items.length)
    throw malformed('bad-storage', 'the legacy stream lists a storage by something else than text');
  if (new Set(names).size !== names.length) throw malformed('bad-storage', 'a storage is listed twice');
  const foreign = new Set([version, system, root, keys].flatMap((each) => [...each.foreign]));
  return { root: root.value, foreign, storages: root.storages, keys: names, end: keys.end };
}

function runAt(head: Buffer, start: number, { limits, budget }: Reading): PickleResult {
  return new PickleMachine(head, start, limits, budget).run();
}
