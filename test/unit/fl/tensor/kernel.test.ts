import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KERNEL_BASE64 } from '../../../../src/fl/tensor/kernel-bytes.ts';
import { FOLD_DELAY_BYTES, PieceArena } from '../../../../src/fl/tensor/piece-arena.ts';
import { newFindings, type PieceOperation } from '../../../../src/fl/tensor/piece-operation.ts';
import type { Dtype } from '../../../../src/fl/tensor/tensor.ts';
import { newKernelMemory } from '../../../../src/fl/tensor/vector-kernel.ts';

const PIECE_BYTES = 4096;

function run(
  vectors: boolean,
  operation: PieceOperation,
  inputs: readonly Uint8Array[],
  dtype: Dtype = 'float32',
) {
  const arena = new PieceArena({ inputs: inputs.length, outputs: 1, pieceBytes: PIECE_BYTES, vectors });
  const bytes = inputs[0]?.length ?? 0;
  for (const [index, input] of inputs.entries()) {
    // What a former piece left behind must not matter.
    arena.input(index, PIECE_BYTES).fill(0xff);
    arena.input(index, bytes).set(input);
  }
  const findings = newFindings(operation, inputs.length);
  arena.run(operation, dtype, { inputs: inputs.length, outputs: 1, bytes }, findings);
  return { output: Buffer.from(arena.output(0, bytes)).toString('hex'), findings };
}

/** Finite float32 values of every magnitude, zeros of both signs among them. */
const value = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e-45, 3.4e38),
);
const inputsOf = fc.integer({ min: 1, max: 9 }).chain((count) =>
  fc.integer({ min: 1, max: 70 }).chain((length) =>
    fc.array(
      fc
        .array(value, { minLength: length, maxLength: length })
        .map((values) => new Uint8Array(Float32Array.from(values).buffer)),
      { minLength: count, maxLength: count },
    ),
  ),
);

it('is what its source assembles to', async () => {
  const script = new URL('../../../../scripts/build-kernel.mjs', import.meta.url).href;
  const { assemble } = (await import(script)) as { assemble: (source: string) => Buffer };
  const source = readFileSync(new URL('../../../../src/fl/tensor/kernel.wat', import.meta.url), 'utf8');
  expect(assemble(source).toString('base64')).toBe(KERNEL_BASE64);
});

it('runs on this machine, so that the comparisons below compare something', () => {
  expect(newKernelMemory(1000).kernel).not.toBeNull();
});

it('gives the same mean as plain JavaScript, bit for bit', () => {
  fc.assert(
    fc.property(inputsOf, (inputs) => {
      expect(run(true, { kind: 'mean' }, inputs)).toEqual(run(false, { kind: 'mean' }, inputs));
    }),
  );
});

it('gives the same weighted sum as plain JavaScript, bit for bit', () => {
  fc.assert(
    fc.property(
      inputsOf,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }),
      (inputs, weights) => {
        const operation = { kind: 'weighted', weights: weights.slice(0, inputs.length) } as const;
        expect(run(true, operation, inputs)).toEqual(run(false, operation, inputs));
      },
    ),
  );
});

it('gives the same median and trimmed mean as plain JavaScript, bit for bit', () => {
  fc.assert(
    fc.property(inputsOf, fc.nat(4), (inputs, wanted) => {
      const operation = {
        kind: 'trimmed',
        drop: Math.min(wanted, Math.floor((inputs.length - 1) / 2)),
      } as const;
      expect(run(true, operation, inputs)).toEqual(run(false, operation, inputs));
    }),
  );
});

it('measures the same distances as plain JavaScript, to float32 precision', () => {
  const moderate = fc.float({ noNaN: true, min: Math.fround(-1e3), max: Math.fround(1e3) });
  fc.assert(
    fc.property(
      fc.array(fc.array(moderate, { minLength: 300, maxLength: 300 }), { minLength: 2, maxLength: 5 }),
      (rows) => {
        const inputs = rows.map((row) => new Uint8Array(Float32Array.from(row).buffer));
        for (const from of ['all', 'first'] as const) {
          const vector = run(true, { kind: 'distances', from }, inputs).findings.distances;
          const scalar = run(false, { kind: 'distances', from }, inputs).findings.distances;
          expect(vector.length).toBe(scalar.length);
          for (const [index, distance] of vector.entries())
            expect(Math.abs(distance - (scalar[index] ?? 0))).toBeLessThanOrEqual(
              1e-5 * (scalar[index] ?? 0) + 1e-30,
            );
        }
      },
    ),
    { numRuns: 50 },
  );
});

it('notices infinities and NaNs wherever they stand', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (const place of [0, 5, 16, 32]) {
      const inputs = [0, 1, 2].map(() => new Float32Array(33).fill(1));
      inputs[1]![place] = bad;
      const bytes = inputs.map((input) => new Uint8Array(input.buffer));
      for (const vectors of [true, false]) {
        expect(run(vectors, { kind: 'mean' }, bytes).findings.nonFinite).toBe(true);
        expect(run(vectors, { kind: 'trimmed', drop: 1 }, bytes).findings.nonFinite).toBe(true);
        expect(run(vectors, { kind: 'finiteness' }, bytes).findings.nonFiniteInputs).toEqual([
          false,
          true,
          false,
        ]);
      }
    }
});

it.each([true, false])(
  'folds inputs piece by piece as the whole, each delayed, with vectors: %s',
  (vectors) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 32 }),
        fc.integer({ min: 1, max: 9000 }),
        fc.nat(),
        (count, length, seed) => {
          const inputs = Array.from({ length: count }, (_, index) =>
            Uint8Array.from(
              { length },
              (_byte, at) => (seed + at * 7 + index * 13 + (at * index) ** 2) % 256,
            ),
          );
          const arena = new PieceArena({ inputs: count, outputs: 1, pieceBytes: PIECE_BYTES, vectors });
          const folded: Buffer[] = [];
          for (let done = 0; done < length; done += PIECE_BYTES) {
            const bytes = Math.min(PIECE_BYTES, length - done);
            for (const [index, input] of inputs.entries()) {
              arena.input(index, PIECE_BYTES).fill(0xff);
              arena.input(index, bytes).set(input.subarray(done, done + bytes));
            }
            const piece = { bytes, isFirst: done === 0, isLast: done + bytes === length };
            folded.push(Buffer.from(arena.fold([...inputs.keys()], piece)));
            for (const index of inputs.keys()) arena.input(index, bytes).fill(0xaa);
          }
          const expected = Buffer.alloc(length + FOLD_DELAY_BYTES * (count - 1));
          for (const [index, input] of inputs.entries())
            for (const [at, byte] of input.entries()) {
              const place = at + index * FOLD_DELAY_BYTES;
              expected[place] = (expected[place] ?? 0) ^ byte;
            }
          expect(Buffer.concat(folded).equals(expected)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  },
);
