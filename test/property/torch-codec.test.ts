import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { MilaError } from '../../src/errors.ts';
import { type Dtype, elementCount, ITEM_BYTES, type Tensor } from '../../src/fl/tensor/tensor.ts';
import { Checkpoint } from '../../src/fl/torch/checkpoint-reader.ts';
import { combineCrc32, crc32OfZeros, linearCrc32, movedCrc32 } from '../../src/fl/torch/crc32-combine.ts';
import { readStateDict, writeStateDict } from '../../src/fl/torch/state-dict-file.ts';
import { seededRandom } from '../../src/random.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-codec-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'case.pt');

/** How long each fuzz may take. Units: milliseconds. */
const FUZZ_MS = Number(process.env['MILA_FUZZ_MS'] ?? 3000);
/** A hostile file of a few kilobytes must not make the reader hold more than this. Units: bytes. */
const GROWTH_MAX_BYTES = 200 * 1024 * 1024;
const FIXTURES = new URL('../../fixtures/checkpoints/files/', import.meta.url);

const tensor: fc.Arbitrary<Tensor> = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(ITEM_BYTES) as Dtype[])),
    shape: fc.array(fc.nat(4), { maxLength: 4 }),
    seed: fc.nat(),
  })
  .map(({ dtype, shape, seed }) => {
    const random = seededRandom(seed);
    const limit = dtype === 'bool' ? 2 : 256;
    const bytes = new Uint8Array(elementCount(shape) * ITEM_BYTES[dtype]);
    return { dtype, shape, bytes: bytes.map(() => Math.floor(random.next() * limit)) };
  });
const name = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.constantFrom('__proto__', 'constructor', '1', '10', '9', 'プレ.fix', 'a\u0000b', '\ufffd'),
);
const stateDict = fc
  .uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 12 })
  // A lone surrogate is no Unicode text: there are no bytes for it.
  .map((entries) => new Map(entries.filter(([key]) => Buffer.from(key).toString() === key)));

it('reads back every state dict that it wrote, and writes it the same again', async () => {
  await fc.assert(
    fc.asyncProperty(stateDict, async (written) => {
      await writeStateDict(path, written);
      const first = readFileSync(path);
      const read = await readStateDict(path);
      expect([...read]).toEqual([...written]);
      await writeStateDict(path, read);
      expect(readFileSync(path).equals(first)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

/** Read all that a file offers. Anything but a result or an expected error is a fault. */
async function readAll(): Promise<'read' | 'refused'> {
  try {
    const checkpoint = await Checkpoint.open(path);
    try {
      for (const { layout } of checkpoint.tree().tensors) await checkpoint.readTensor(layout);
      checkpoint.model();
    } finally {
      checkpoint.close();
    }
    return 'read';
  } catch (error) {
    if (error instanceof MilaError && error.name === 'CorruptError') return 'refused';
    throw error;
  }
}

it('refuses a file that is cut at any byte', async () => {
  const whole = readFileSync(new URL('bn_state_dict.pt', FIXTURES));
  for (let length = 0; length < whole.length; length += 1) {
    writeFileSync(path, whole.subarray(0, length));
    expect(await readAll(), `cut at ${length}`).toBe('refused');
  }
});

it('refuses a legacy file that is cut at any byte', async () => {
  const whole = readFileSync(new URL('legacy.pt', FIXTURES));
  for (let length = 0; length < whole.length; length += 1) {
    writeFileSync(path, whole.subarray(0, length));
    expect(await readAll(), `cut at ${length}`).toBe('refused');
  }
});

for (const file of [
  'kmol_real_onecycle.pt',
  'legacy_dtypes.pt',
  'proto5.pt',
  'torch2_layout.pt',
  'z_deflated.pt',
])
  it(`survives random damage of ${file}: no crash, no hang, bounded memory`, async () => {
    const whole = readFileSync(new URL(file, FIXTURES));
    const seed = Number(process.env['MILA_SEED'] ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    const started = process.memoryUsage().rss;
    const deadline = performance.now() + FUZZ_MS / 5;
    for (let turn = 0; turn === 0 || performance.now() < deadline; turn += 1) {
      const damaged = Buffer.from(whole);
      for (let flips = 1 + Math.floor(random.next() * 4); flips > 0; flips -= 1) {
        const at = Math.floor(random.next() * damaged.length);
        const isBitFlip = random.next() < 0.5;
        damaged[at] = isBitFlip
          ? (damaged[at] ?? 0) ^ (1 << Math.floor(random.next() * 8))
          : Math.floor(random.next() * 256);
      }
      writeFileSync(path, damaged);
      await readAll().catch((error: unknown) => {
        throw new Error(`replay with MILA_SEED=${seed}, turn ${turn}`, { cause: error });
      });
    }
    expect(process.memoryUsage().rss - started).toBeLessThan(GROWTH_MAX_BYTES);
  });

it('survives random pickle streams behind good checksums', async () => {
  const seed = Number(process.env['MILA_SEED'] ?? Date.now() % 1_000_000);
  const random = seededRandom(seed);
  const whole = readFileSync(new URL('handmade_ok.pt', FIXTURES));
  const checkpointAt = whole.indexOf('PK\u0003\u0004');
  expect(checkpointAt).toBe(0);
  const deadline = performance.now() + FUZZ_MS / 3;
  for (let turn = 0; turn === 0 || performance.now() < deadline; turn += 1) {
    writeFileSync(path, repickled(whole, random.next));
    await readAll().catch((error: unknown) => {
      throw new Error(`replay with MILA_SEED=${seed}, turn ${turn}`, { cause: error });
    });
  }
});

/** Change bytes of data.pkl and mend its checksum, so that the damage reaches the pickle machine. */
function repickled(whole: Buffer, next: () => number): Buffer {
  const file = Buffer.from(whole);
  const end = file.length - 22;
  let at = file.readUInt32LE(end + 16);
  while (at < end) {
    const nameBytes = file.readUInt16LE(at + 28);
    const entry = file.subarray(at + 46, at + 46 + nameBytes).toString();
    if (entry.endsWith('data.pkl')) {
      const header = file.readUInt32LE(at + 42);
      const start = header + 30 + file.readUInt16LE(header + 26) + file.readUInt16LE(header + 28);
      const pickle = file.subarray(start, start + file.readUInt32LE(at + 24));
      for (let count = 1 + Math.floor(next() * 6); count > 0; count -= 1)
        pickle[Math.floor(next() * pickle.length)] = Math.floor(next() * 256);
      file.writeUInt32LE(crc32(pickle), at + 16);
    }
    at += 46 + nameBytes + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  return file;
}

it('joins checksums of pieces to that of the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (first, second) => {
      const whole = crc32(Buffer.concat([first, second]));
      expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(whole);
    }),
  );
});

it('moves and adds checksums as the data they are of', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(70), (data, move) => {
      const moved = Buffer.concat([data, new Uint8Array(move)]);
      const other = Uint8Array.from(moved, (_, at) => (at * 31) % 251);
      const sum = Uint8Array.from(moved, (byte, at) => byte ^ (other[at] ?? 0));
      const linear = (bytes: Uint8Array) => linearCrc32(crc32(bytes), bytes.length);
      expect(crc32OfZeros(data.length)).toBe(crc32(new Uint8Array(data.length)));
      expect(movedCrc32(linear(data), move)).toBe(linear(moved));
      expect((linear(moved) ^ linear(other)) >>> 0).toBe(linear(sum));
    }),
  );
});
