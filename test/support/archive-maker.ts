import { crc32, deflateRawSync } from 'node:zlib';
import { assemble, text } from './pickle-assembler.ts';

export interface MadeRecord {
  /** Below the archive's folder. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflated?: boolean;
}

/** A zip archive as a re-packed checkpoint is one: nothing is checked, so that it may be hostile. */
export function archiveOf(records: readonly MadeRecord[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, deflated = false } of records) {
    const path = Buffer.from(`archive/${name}`);
    const stored = deflated ? deflateRawSync(bytes, { level: 9 }) : Buffer.from(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(deflated ? 8 : 0, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(stored.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, stored]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), common, tail, path]));
    parts.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(records.length, 8);
  end.writeUInt16LE(records.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, entries, end]);
}

/** Four floats. */
const FLOATS = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);

interface CheckpointParts {
  /** Pack the pickle stream, so that megabytes of it are a few kilobytes. */
  readonly deflated?: boolean;
  /** By key. Default: storage 0 with four floats. */
  readonly storages?: readonly MadeRecord[];
}

/** A checkpoint file around a pickle stream. */
export function checkpointFile(pickle: Uint8Array, parts: CheckpointParts = {}): Buffer {
  const { deflated = false, storages = [{ name: 'data/0', bytes: FLOATS }] } = parts;
  return archiveOf([
    { name: 'data.pkl', bytes: pickle, deflated },
    { name: 'byteorder', bytes: Buffer.from('little') },
    ...storages,
    { name: 'version', bytes: Buffer.from('3\n') },
  ]);
}

/** The same in the format before PyTorch 1.6, with one storage of four floats. */
export function legacyFile(pickle: Uint8Array): Buffer {
  const magic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');
  const version = assemble(0x80, 2, 'M', 0xe9, 3, '.');
  const sizes = assemble('}(', text('short'), 'K', 2, text('int'), 'K', 4, text('long'), 'K', 4, 'u');
  const system = assemble(
    0x80,
    2,
    '}(',
    text('protocol_version'),
    'M',
    0xe9,
    3,
    text('little_endian'),
    0x88,
    text('type_sizes'),
    sizes,
    'u.',
  );
  const keys = assemble(0x80, 2, ']', text('0'), 'a.');
  const numel = Buffer.alloc(8);
  numel.writeBigInt64LE(4n);
  return assemble(magic, version, system, pickle, keys, numel, FLOATS);
}
