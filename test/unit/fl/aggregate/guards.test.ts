import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { Federation, float32, int64 } from './federation.ts';

let round: Federation;
beforeEach(async () => {
  round = new Federation();
  await round.joinAll([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
});
afterEach(() => round.remove());

async function refusals(type = 'plain', options = {}, given = {}) {
  const { report, w } = await round.aggregate(type, options, given);
  return {
    refused: report.refused.map(({ participant, reason, tensor }) => ({ participant, reason, tensor })),
    w,
  };
}

it('refuses who sends NaN or infinity, by name and tensor, and combines the rest', async () => {
  await round.join('d', new Map([['w', float32(1, Number.NaN)]]));
  await round.join('e', new Map([['w', float32(Number.NEGATIVE_INFINITY, 0)]]));
  for (const type of ['plain', 'median', 'geometric-median']) {
    const { refused, w } = await refusals(type);
    expect(refused).toEqual([
      { participant: 'd', reason: 'not-finite', tensor: 'w' },
      { participant: 'e', reason: 'not-finite', tensor: 'w' },
    ]);
    for (const [index, value] of [3, 4].entries()) expect(w[index]).toBeCloseTo(value, 4);
  }
});

it('refuses who sends another shape, type or name', async () => {
  await round.join('d', new Map([['w', float32(1, 2, 3)]]));
  await round.join('e', new Map([['w', int64(1n, 2n)]]));
  await round.join('f', new Map([['v', float32(1, 2)]]));
  await round.join(
    'g',
    new Map([
      ['w', float32(1, 2)],
      ['x', float32(1)],
    ]),
  );
  expect((await refusals()).refused).toEqual([
    { participant: 'd', reason: 'shape-mismatch', tensor: 'w' },
    { participant: 'e', reason: 'dtype-mismatch', tensor: 'w' },
    { participant: 'f', reason: 'keys-differ', tensor: 'w' },
    { participant: 'g', reason: 'keys-differ', tensor: 'x' },
  ]);
});

it('measures updates by the aggregate that the round started from, even against a majority', async () => {
  const previousPath = join(round.folder, 'previous.agg');
  await writeStateDict(previousPath, new Map([['w', float32(0, 0, 0)]]));
  await round.join('z', new Map([['w', float32(7, 8, 9)]]));
  const { refused, w } = await refusals('plain', {}, { previousPath });
  expect(refused.map(({ participant }) => participant)).toEqual(['a', 'b', 'c']);
  expect(w).toEqual([7, 8, 9]);
});

it('refuses a damaged storage by its checksum, also when it is found while combining', async () => {
  const path = round.inputs[1]?.path ?? '';
  const bytes = readFileSync(path);
  const at = bytes.indexOf(Buffer.from(Float32Array.of(3, 4).buffer));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const { refused, w } = await refusals();
  expect(refused).toEqual([{ participant: 'b', reason: 'bad-checksum', tensor: 'w' }]);
  expect(w).toEqual([3, 4]);
});

function damage(index: number, content: Uint8Array): void {
  const path = round.inputs[index]?.path ?? '';
  const bytes = readFileSync(path);
  const at = bytes.indexOf(content);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

it('refuses every damaged update when several are, in the same bit', async () => {
  damage(0, Buffer.from(Float32Array.of(1, 2).buffer));
  damage(2, Buffer.from(Float32Array.of(5, 6).buffer));
  const { refused } = await refusals();
  expect(refused.map(({ participant }) => participant)).toEqual(['a', 'c']);
});

it('compares checksums across the stretches of a long tensor', async () => {
  const long = (seed: number) => ({
    ...float32(),
    shape: [1_300_007],
    bytes: new Uint8Array(Float32Array.from({ length: 1_300_007 }, (_, at) => at + seed).buffer),
  });
  for (const [index, { path }] of round.inputs.entries())
    await writeStateDict(path, new Map([['w', long(index)]]));
  expect((await refusals()).refused).toEqual([]);
  damage(2, Buffer.from(Float32Array.of(1_200_002, 1_200_003).buffer));
  expect((await refusals()).refused).toEqual([{ participant: 'c', reason: 'bad-checksum', tensor: 'w' }]);
});

it('refuses copies of one damaged checkpoint, whose damage is the same', async () => {
  damage(1, Buffer.from(Float32Array.of(3, 4).buffer));
  for (const index of [0, 2])
    writeFileSync(round.inputs[index]?.path ?? '', readFileSync(round.inputs[1]?.path ?? ''));
  await round.join('d', new Map([['w', float32(7, 8)]]));
  const { refused, w } = await refusals();
  expect(refused.map(({ participant }) => participant).sort()).toEqual(['a', 'b', 'c']);
  expect(w).toEqual([7, 8]);
});

it('refuses a file that is no checkpoint, and a cut one', async () => {
  writeFileSync(round.inputs[0]?.path ?? '', 'not a checkpoint');
  const path = round.inputs[2]?.path ?? '';
  writeFileSync(path, readFileSync(path).subarray(0, 300));
  const { refused, w } = await refusals();
  expect(refused.map(({ participant, reason }) => [participant, reason])).toEqual([
    ['a', 'not-a-checkpoint'],
    ['c', 'truncated'],
  ]);
  expect(w).toEqual([3, 4]);
});

it('refuses a step that is much longer than the others, when asked to', async () => {
  const previousPath = join(round.folder, 'previous.agg');
  await writeStateDict(previousPath, new Map([['w', float32(3, 4)]]));
  await round.join('d', new Map([['w', float32(900, 4)]]));
  expect((await refusals('plain', { norm_limit: 5 }, { previousPath })).refused).toEqual([
    { participant: 'd', reason: 'norm-too-large', tensor: undefined },
  ]);
});

it('leaves no output and no temporary file when nothing is usable', async () => {
  for (const { path } of round.inputs) writeFileSync(path, '');
  await expect(round.aggregate('plain')).rejects.toMatchObject({ code: 'no-updates' });
  expect(existsSync(round.output)).toBe(false);
  expect(readdirSync(round.folder).sort()).toEqual(['a.pt', 'b.pt', 'c.pt', 'state']);
});

it('keeps the old aggregate when it is interrupted', async () => {
  await round.aggregate('plain');
  const before = readFileSync(round.output);
  const controller = new AbortController();
  controller.abort(new Error('stopped'));
  await round.join('d', new Map([['w', float32(100, 100)]]));
  await expect(round.aggregate('plain', { compat: 'kmol' }, { signal: controller.signal })).rejects.toThrow(
    'stopped',
  );
  expect(readFileSync(round.output).equals(before)).toBe(true);
});

it('says when finite updates overflow their type', async () => {
  const other = new Federation();
  await other.joinAll([[3e38], [3e38]]);
  await expect(other.aggregate('plain')).rejects.toMatchObject({ code: 'overflow' });
  other.remove();
});

it('lets no alphabet decide between two forms that have equally many in a first round', async () => {
  const tied = new Federation();
  await tied.join('a_first', new Map([['w', float32(1, 2, 3)]]));
  await tied.join('b', new Map([['w', float32(1, 2)]]));
  const failure = await tied.aggregate('plain').catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'no-updates',
    data: {
      refused: [
        { participant: 'a_first', reason: 'form-undecided' },
        { participant: 'b', reason: 'form-undecided' },
      ],
    },
  });
  for (const word of ['a_first sent 1 tensors of 12 bytes', 'b sent 1 tensors of 8 bytes', 'start_point'])
    expect(String(failure)).toContain(word);
  // One more makes it a majority; a start model makes it no question.
  await tied.join('c', new Map([['w', float32(5, 6)]]));
  expect((await tied.aggregate('plain')).w).toEqual([3, 4]);
  tied.remove();
});

it('takes a tie for no question where the round started from a model', async () => {
  const tied = new Federation();
  const previousPath = join(tied.folder, 'previous.agg');
  await writeStateDict(previousPath, new Map([['w', float32(0, 0)]]));
  await tied.join('a', new Map([['w', float32(1, 2, 3)]]));
  await tied.join('b', new Map([['w', float32(1, 2)]]));
  const { report, w } = await tied.aggregate('plain', {}, { previousPath });
  expect(report.refused).toMatchObject([{ participant: 'a', reason: 'shape-mismatch' }]);
  expect(w).toEqual([1, 2]);
  tied.remove();
});

it('believes no more samples than the limit, nor parts of one, and notes who outweighs all others', async () => {
  const weighed = new Federation();
  const model = (value: number) => new Map([['w', float32(value)]]);
  await weighed.join('a', model(1), 60_000);
  await weighed.join('b', model(3), 60_000);
  await weighed.join('c', model(100), Number.MAX_SAFE_INTEGER);
  const { report, w } = await weighed.aggregate('sample-weighted');
  expect(report.refused).toEqual([
    { participant: 'c', reason: 'bad-samples', message: expect.stringContaining('9007199254740991') },
  ]);
  expect(w).toEqual([2]);
  await weighed.join('d', model(100), 500_000_000);
  const dominated = await weighed.aggregate('sample-weighted');
  expect(dominated.report.notes).toEqual([
    expect.stringMatching(/^d has 100\.0 % of the weight, more than all others together$/u),
  ]);
  const bounded = await weighed.aggregate('sample-weighted', { samples_max: 60_000 });
  expect(bounded.report.refused.map(({ participant }) => participant)).toEqual(['c', 'd']);
  expect(bounded.report.notes).toEqual([]);
  await weighed.join('e', model(9), 0.5);
  expect((await weighed.aggregate('sample-weighted')).report.refused).toHaveLength(2);
  weighed.remove();
});

it('notes who outweighs all others by configured weights or by a metric, from three updates on', async () => {
  const notesOf = async (type: string, options: object, evaluate?: (path: string) => Promise<object>) => {
    const given = evaluate === undefined ? {} : { evaluate: evaluate as never };
    return (await round.aggregate(type, { ...options }, {}, given)).report.notes.join();
  };
  expect(await notesOf('weighted', { weights: { a: 0.6, b: 0.2, c: 0.2 } })).toContain('a has 60.0 %');
  const metric = { target_metric: 'accuracy' };
  const evaluate = async (path: string) => ({ accuracy: path.endsWith('b.pt') ? 0.9 : 0.1 });
  expect(await notesOf('benchmarked', metric, evaluate)).toContain('b has 81.8 %');
});
