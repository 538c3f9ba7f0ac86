import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptError } from '../../../src/errors.ts';
import { Checkpoint } from '../../../src/fl/torch/checkpoint-reader.ts';
import { DEFAULT_LIMITS } from '../../../src/fl/torch/limits.ts';
import { PickleMachine } from '../../../src/fl/torch/pickle-machine.ts';
import { archiveOf, checkpointFile, legacyFile } from '../../support/archive-maker.ts';
import { asLegacy, MODEL, rootOf } from '../../support/pickle-assembler.ts';
import { type Dice, mutated, mutatedRoot, randomProgram, randomRoot } from '../../support/random-pickles.ts';
import type { FuzzTarget } from '../target.ts';

const LIMITS = { timeMaxMs: 2_000, memoryMaxMegabytes: 600 };

async function refusing(work: () => Promise<void> | void): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error;
  }
}

function anyStream(dice: Dice): Buffer {
  const makers = [randomProgram, randomRoot, mutatedRoot, (each: Dice) => mutated(each, randomRoot(each))];
  return (makers[dice(makers.length)] ?? randomProgram)(dice);
}

/** Instructions without any sense, or one run of a few repeated often. */
function anyOpcodes(dice: Dice): Buffer {
  const piece = Buffer.from(Array.from({ length: 1 + dice(12) }, () => dice(256)));
  return Buffer.concat([
    anyStream(dice).subarray(0, -1),
    Buffer.alloc(piece.length * (1 + dice(5_000)), piece),
  ]);
}

/** The instructions of a pickle stream. */
export const PICKLE_TARGET: FuzzTarget = {
  ...LIMITS,
  name: 'pickle',
  make: (dice) => (dice(4) === 0 ? anyOpcodes(dice) : anyStream(dice)),
  read: (input) => refusing(() => void new PickleMachine(Buffer.from(input), 0, DEFAULT_LIMITS).run()),
};

/** A whole checkpoint, read as `show` and a server read it. */
async function readWhole(path: string): Promise<void> {
  const checkpoint = await Checkpoint.open(path);
  try {
    await refusing(async () => {
      for (const { layout } of checkpoint.tree().tensors) await checkpoint.readTensor(layout);
    });
    await refusing(async () => {
      for (const layout of checkpoint.model().tensors.values()) await checkpoint.verify(layout);
    });
  } finally {
    checkpoint.close();
  }
}

const readFileOf = (name: string) => (input: Uint8Array, scratch: string) =>
  refusing(async () => {
    const path = join(scratch, name);
    await writeFile(path, input);
    await readWhole(path);
  });

/** Well-formed archives around any pickle stream, packed or not. */
export const CHECKPOINT_TARGET: FuzzTarget = {
  ...LIMITS,
  name: 'checkpoint',
  make: (dice) => checkpointFile(anyStream(dice), { deflated: dice(2) === 0 }),
  read: readFileOf('checkpoint.pt'),
};

/** Archives whose directory, headers or records were changed; streams of the format before 1.6. */
export const ARCHIVE_TARGET: FuzzTarget = {
  ...LIMITS,
  name: 'archive',
  make: (dice) => {
    if (dice(4) === 0) return mutated(dice, legacyFile(asLegacy(anyStream(dice))), dice(3));
    const names = ['data.pkl', 'version', 'data/0', 'byteorder', 'constants.pkl', '../x'];
    const records = Array.from({ length: dice(6) }, () => ({
      name: names[dice(names.length)] ?? 'data.pkl',
      bytes: anyStream(dice),
      deflated: dice(2) === 0,
    }));
    const whole = checkpointFile(rootOf(MODEL), { deflated: dice(2) === 0 });
    return mutated(dice, dice(2) === 0 ? whole : archiveOf(records));
  },
  read: readFileOf('archive.pt'),
};
