import { seededRandom } from '../../../src/random.ts';
import { name, run } from '../grpc-frames.ts';
import type { FuzzTarget } from '../target.ts';

const SEED_BYTES = 4;
const BYTE = 256;

/** Frames, uploads and notes as a hostile peer sends them: the input is the seed of one such case. */
export const GRPC_TARGET: FuzzTarget = {
  name,
  make: (dice) => Uint8Array.from({ length: SEED_BYTES }, () => dice(BYTE)),
  read: (input) => run(seededRandom(Buffer.from(input).readUInt32LE(0))),
  timeMaxMs: 2_000,
  memoryMaxMegabytes: 300,
};
