import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CorruptError } from '../../../../src/errors.ts';
import { Checkpoint } from '../../../../src/fl/torch/checkpoint-reader.ts';
import { checkpointFile, legacyFile } from '../../../support/archive-maker.ts';
import {
  asLegacy,
  assemble,
  get,
  MODEL,
  named,
  put,
  rootOf,
  tensor,
  text,
} from '../../../support/pickle-assembler.ts';
import { diceFrom, mutatedRoot, randomProgram, randomRoot } from '../../../support/random-pickles.ts';
import { hasTorch, python } from './python.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-python-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What PyTorch makes of each file's model, a line each: names, types, shapes, values; or that it fails. */
const LOAD = `
import sys, torch, json, hashlib, io, contextlib
folder, count = sys.argv[1], int(sys.argv[2])
for index in range(count):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            model = torch.load(f"{folder}/{index}.pt")["model"]
            rows = [[k, str(v.dtype).split(".")[1], list(v.shape),
                     hashlib.sha256(v.detach().contiguous().numpy().tobytes()).hexdigest()] for k, v in model.items()]
    except BaseException as error:
        rows = f"{type(error).__name__}: {error}"
    print(json.dumps(rows))
`;

/** The model as rows; null when it is refused, or would have Python import what it names. */
async function rowsOf(path: string): Promise<unknown[] | null> {
  let checkpoint: Checkpoint | undefined;
  try {
    checkpoint = await Checkpoint.open(path);
    if (checkpoint.foreignNames().length > 0) return null;
    const rows: unknown[] = [];
    for (const [name, layout] of checkpoint.model().tensors) {
      const digest = createHash('sha256').update(await checkpoint.readTensor(layout));
      rows.push([name, layout.dtype, layout.shape, digest.digest('hex')]);
    }
    return rows;
  } catch (error) {
    if (error instanceof CorruptError) return null;
    throw error;
  } finally {
    checkpoint?.close();
  }
}

/** Streams that are accepted here, how many of them PyTorch reads at all, and those that it reads otherwise. */
async function comparisonOf(
  streams: readonly Uint8Array[],
  fileOf: (stream: Uint8Array) => Uint8Array = checkpointFile,
) {
  const accepted: { readonly stream: Uint8Array; readonly ours: unknown[] }[] = [];
  for (const stream of streams) {
    const path = join(folder, `${accepted.length}.pt`);
    writeFileSync(path, fileOf(stream));
    const ours = await rowsOf(path);
    if (ours !== null) accepted.push({ stream, ours });
  }
  const lines = python(LOAD, folder, String(accepted.length)).trim().split('\n');
  const differences: string[] = [];
  let agreed = 0;
  for (const [index, { stream, ours }] of accepted.entries()) {
    const theirs: unknown = JSON.parse(lines[index] || 'null');
    if (JSON.stringify(ours) === JSON.stringify(theirs)) agreed += 1;
    else if (typeof theirs !== 'string')
      differences.push(JSON.stringify({ ours, theirs, stream: Buffer.from(stream).toString('latin1') }));
  }
  return { agreed, differences };
}

/** Fixed, so that a failure can be looked at again. */
const SEED = Number(process.env['PICKLE_SEED'] ?? 20_261);
const COUNT = Number(process.env['PICKLE_COUNT'] ?? 600);

describe.skipIf(!hasTorch())(
  'what is accepted, PyTorch reads the same (skipped where it is not installed)',
  () => {
    for (const [what, make, agreedMin] of [
      ['programs without a plan', randomProgram, 0],
      ['models made in many ways', randomRoot, COUNT / 60],
      ['a checkpoint with a few bytes changed', mutatedRoot, COUNT / 60],
    ] as const)
      it(`of ${what}, seed ${SEED}`, { timeout: 120_000 }, async () => {
        const dice = diceFrom(SEED);
        const { agreed, differences } = await comparisonOf(Array.from({ length: COUNT }, () => make(dice)));
        expect(differences).toEqual([]);
        expect(agreed).toBeGreaterThanOrEqual(agreedMin);
      });

    it(`of the format before 1.6, seed ${SEED}`, { timeout: 120_000 }, async () => {
      const dice = diceFrom(SEED + 1);
      const streams = Array.from({ length: COUNT }, (_, index) =>
        index % 2 === 0 ? randomRoot(dice) : mutatedRoot(dice),
      );
      const { agreed, differences } = await comparisonOf(streams, (stream) => legacyFile(asLegacy(stream)));
      expect(differences).toEqual([]);
      expect(agreed).toBeGreaterThanOrEqual(COUNT / 60);
    });

    it('of constructions that look alike', async () => {
      const taken = assemble('](](', text('w'), tensor(), 'ee', put(7), '0');
      const dictOf = assemble(named('collections', 'OrderedDict'), get(7), 0x85);
      const { differences } = await comparisonOf([
        rootOf(MODEL),
        assemble(0x80, 2, taken, '}', text('model'), dictOf, 'Rs.'),
        assemble(0x80, 2, taken, '}', text('model'), dictOf, 'Rs', text('ema'), dictOf, 'Rs.'),
        assemble(0x80, 2, taken, '}', text('model'), dictOf, 0x81, 's.'),
        rootOf(assemble(MODEL, '}', text('items'), 'Nsb')),
        assemble(
          0x80,
          2,
          '}',
          text('model'),
          MODEL,
          's',
          named('numpy', 'str_'),
          text('model'),
          0x85,
          'RNs.',
        ),
        rootOf(assemble('}', text('w'), named('torch._utils', '_rebuild_tensor_v2'), ')R', 's')),
      ]);
      expect(differences).toEqual([]);
    });
  },
);
