import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeStateDict } from '../../../../src/fl/torch/state-dict-file.ts';
import { Federation, float32, int64, numbersOf } from './federation.ts';

let round: Federation;
beforeEach(() => {
  round = new Federation();
});
afterEach(() => round.remove());

const f32 = Math.fround;

describe('weights', () => {
  it('weighs by the configured weights, whatever the case of the names', async () => {
    await round.joinAll([
      [1, 0],
      [3, 4],
    ]);
    const { w, report } = await round.aggregate('weighted', { weights: { A: 0.25, b: 0.75 } });
    expect(w).toEqual([2.5, 3]);
    expect(report.notes).toEqual([]);
  });

  it('scales weights that do not sum to 1 over those who take part, and says so', async () => {
    await round.joinAll([[2], [4]]);
    const { w, report } = await round.aggregate('weighted', { weights: { a: 3, b: 1, absent: 7 } });
    expect(w).toEqual([2.5]);
    expect([...report.weights.values()]).toEqual([0.75, 0.25]);
    expect(report.notes[0]).toContain('sum to 4');
  });

  it('names the participant that has no weight', async () => {
    await round.joinAll([[1], [2]]);
    await expect(round.aggregate('weighted', { weights: { a: 1 } })).rejects.toMatchObject({
      code: 'missing-weight',
      data: { participant: 'b' },
    });
  });

  it('weighs by samples, and counts all alike when one is silent', async () => {
    await round.join('a', new Map([['w', float32(0)]]), 300);
    await round.join('b', new Map([['w', float32(4)]]), 100);
    expect((await round.aggregate('sample-weighted')).w).toEqual([1]);
    await round.join('c', new Map([['w', float32(8)]]), null);
    const { w, report } = await round.aggregate('sample-weighted');
    expect(w[0]).toBeCloseTo(4, 6);
    expect(report.notes[0]).toContain('c told no number');
  });

  it('counts all alike when all told 0 samples, and says so', async () => {
    for (const name of ['a', 'b']) await round.join(name, new Map([['w', float32(2)]]), 0);
    const { report } = await round.aggregate('sample-weighted');
    expect(report.notes).toContain('every update counts the same, as all of them told 0 samples');
  });

  it('keeps integers integer: equal counters stay, others are rounded', async () => {
    await round.join(
      'a',
      new Map([
        ['n', int64(103n, 2n ** 60n + 1n)],
        ['w', float32(1)],
      ]),
    );
    await round.join(
      'b',
      new Map([
        ['n', int64(103n, 2n ** 60n + 1n)],
        ['w', float32(1)],
      ]),
    );
    await round.join(
      'c',
      new Map([
        ['n', int64(103n, 2n ** 60n + 1n)],
        ['w', float32(1)],
      ]),
    );
    const { model } = await round.aggregate('weighted', { weights: { a: 1, b: 1, c: 1 } });
    expect(model.get('n')).toEqual(int64(103n, 2n ** 60n + 1n));
  });
});

describe('benchmarked', () => {
  const scored = (scores: Readonly<Record<string, number>>) => ({
    evaluate: async (path: string) => ({
      score: scores[path.split('/').at(-1)?.slice(0, 1) ?? ''] ?? Number.NaN,
    }),
  });

  it('weighs in proportion to a metric that is maximised, below 0 as 0', async () => {
    await round.joinAll([[1], [2], [3]]);
    const { report } = await round.aggregate(
      'benchmarked',
      { target_metric: 'score' },
      {},
      scored({ a: 0.6, b: 0.2, c: -5 }),
    );
    expect([...report.weights.values()]).toEqual([0.6 / 0.8, 0.2 / 0.8, 0]);
  });

  it('keeps the model in scale for a metric that is minimised', async () => {
    await round.joinAll([[4], [4], [4]]);
    const options = { target_metric: 'score', minimized_metric: true };
    const { w, report } = await round.aggregate('benchmarked', options, {}, scored({ a: 1, b: 1, c: 2 }));
    expect([...report.weights.values()]).toEqual([0.375, 0.375, 0.25]);
    expect(w).toEqual([4]);
  });

  it('refuses an update whose metric is not a number, and falls back to samples when none is above 0', async () => {
    await round.joinAll([[1], [3], [100]]);
    const { w, report } = await round.aggregate(
      'benchmarked',
      { target_metric: 'score' },
      {},
      scored({ a: -1, b: 0, c: Number.NaN }),
    );
    expect(report.refused.map(({ participant }) => participant)).toEqual(['c']);
    expect(w).toEqual([2]);
  });

  it('names the metrics that there are when the wanted one is not among them', async () => {
    await round.joinAll([[1]]);
    await expect(
      round.aggregate('benchmarked', { target_metric: 'auc' }, {}, scored({ a: 1 })),
    ).rejects.toMatchObject({ code: 'unknown-metric', hint: 'It reports score.' });
  });
});

describe('robust rules', () => {
  it('takes the median of each element: the middle one, or the mean of the two middle ones', async () => {
    await round.joinAll([
      [1, -5],
      [9, 0.5],
      [2, 7],
    ]);
    expect((await round.aggregate('median')).w).toEqual([2, 0.5]);
    await round.join('d', new Map([['w', float32(4, 1)]]));
    expect((await round.aggregate('median')).w).toEqual([3, 0.75]);
  });

  it('trims both ends of each element', async () => {
    await round.joinAll([[1], [2], [3], [4], [1000]]);
    expect((await round.aggregate('trimmed-mean', { fraction: 0.2 })).w).toEqual([3]);
    expect((await round.aggregate('trimmed-mean', { fraction: 0.1 })).w).toEqual([f32(1010 / 5)]);
  });

  it('keeps by Krum one of those that lie close together', async () => {
    await round.joinAll([
      [1, 1],
      [1.1, 1],
      [0.9, 1],
      [1, 1.05],
      [50, -50],
    ]);
    const { w, report } = await round.aggregate('krum', { faulty: 1 });
    expect(report.notes[0]).toBe('kept a');
    expect(w).toEqual([1, 1]);
  });

  it('averages by Multi-Krum all but the liars', async () => {
    await round.joinAll([[1], [2], [3], [2], [900]]);
    const { w, report } = await round.aggregate('multi-krum', { faulty: 1 });
    expect([...report.weights.values()]).toEqual([0.25, 0.25, 0.25, 0.25, 0]);
    expect(w).toEqual([2]);
  });

  it('asks for enough updates for the number of liars', async () => {
    await round.joinAll([[1], [2], [3], [4]]);
    await expect(round.aggregate('krum', { faulty: 1 })).rejects.toMatchObject({
      code: 'too-few-updates',
      data: { needed: 5 },
    });
  });

  it('finds the geometric median, which one far update hardly moves', async () => {
    await round.joinAll([
      [0, 0],
      [2, 0],
      [1, Math.sqrt(3)],
    ]);
    const middle = (await round.aggregate('geometric-median')).w;
    expect(middle[0]).toBeCloseTo(1, 5);
    expect(middle[1]).toBeCloseTo(Math.sqrt(3) / 3, 5);
    await round.join('d', new Map([['w', float32(1, Math.sqrt(3) / 3)]]));
    await round.join('e', new Map([['w', float32(1e6, 1e6)]]));
    const moved = (await round.aggregate('geometric-median')).w;
    expect(Math.hypot(moved[0]! - 1, moved[1]! - Math.sqrt(3) / 3)).toBeLessThan(1);
  });

  it('shortens long steps to the median length of the round', async () => {
    const previousPath = join(round.folder, 'previous.agg');
    await writeStateDict(previousPath, new Map([['w', float32(10, 10)]]));
    await round.joinAll([
      [13, 14],
      [10, 15],
      [10, 110],
    ]);
    const { w } = await round.aggregate('norm-clipping', {}, { previousPath });
    expect(w[0]).toBeCloseTo(10 + 3 / 3, 5);
    expect(w[1]).toBeCloseTo(10 + (4 + 5 + 5) / 3, 5);
  });
});

describe('server optimisers', () => {
  const start = [1, -2];
  const updates = [
    [2, -2],
    [3, -1],
  ];
  /** The mean step is (1.5, 0.5). */
  const delta = [1.5, 0.5];

  async function twoRounds(type: string, options: Readonly<Record<string, unknown>>) {
    const previousPath = join(round.folder, 'previous.agg');
    await writeStateDict(previousPath, new Map([['w', float32(...start)]]));
    await round.joinAll(updates);
    const first = (await round.aggregate(type, options, { previousPath, round: 1 })).w;
    const second = (await round.aggregate(type, options, { previousPath, round: 2 })).w;
    const again = (await round.aggregate(type, options, { previousPath, round: 2 })).w;
    expect(again).toEqual(second);
    return { first, second };
  }

  /** Straight from the paper, with the state at full precision. */
  function expected(step: (v: number, d: number) => number, beta1: number, tau: number) {
    return [1, 2].map((rounds) =>
      delta.map((d, index) => {
        let m = 0;
        let v = tau ** 2;
        for (let r = 0; r < rounds; r += 1) {
          m = beta1 * m + (1 - beta1) * d;
          v = step(v, d);
        }
        return start[index]! + (0.1 * m) / (Math.sqrt(v) + tau);
      }),
    );
  }

  const rules = {
    'fed-adagrad': { step: (v: number, d: number) => v + d * d, beta1: 0 },
    'fed-adam': { step: (v: number, d: number) => 0.99 * v + 0.01 * d * d, beta1: 0.9 },
    'fed-yogi': { step: (v: number, d: number) => v - 0.01 * d * d * Math.sign(v - d * d), beta1: 0.9 },
  };
  for (const [type, { step, beta1 }] of Object.entries(rules))
    it(`steps as the paper says, and keeps its state: ${type}`, async () => {
      const { first, second } = await twoRounds(type, { learning_rate: 0.1, tau: 0.01 });
      const [one, two] = expected(step, beta1, 0.01);
      for (const [index, value] of first.entries()) expect(value).toBeCloseTo(one![index]!, 5);
      for (const [index, value] of second.entries()) expect(value).toBeCloseTo(two![index]!, 5);
    });

  it('adds momentum: fed-avgm', async () => {
    const { first, second } = await twoRounds('fed-avgm', { momentum: 0.5 });
    expect(first).toEqual([2.5, -1.5]);
    expect(second).toEqual([1 + 1.5 * 1.5, -2 + 0.5 * 1.5]);
  });

  it("averages BatchNorm's statistics instead of stepping them", async () => {
    const model = (mean: number, count: bigint) =>
      new Map([
        ['bn.weight', float32(mean)],
        ['bn.running_mean', float32(mean)],
        ['bn.running_var', float32(mean)],
        ['bn.num_batches_tracked', int64(count)],
      ]);
    const previousPath = join(round.folder, 'previous.agg');
    await writeStateDict(previousPath, model(0, 0n));
    await round.join('a', model(1, 10n));
    await round.join('b', model(3, 20n));
    const { model: result } = await round.aggregate('fed-adam', {}, { previousPath, round: 1 });
    expect(numbersOf(result.get('bn.running_mean'))).toEqual([2]);
    expect(numbersOf(result.get('bn.running_var'))).toEqual([2]);
    expect(numbersOf(result.get('bn.num_batches_tracked'))).toEqual([15]);
    expect(numbersOf(result.get('bn.weight'))).not.toEqual([2]);
  });

  it('is the mean in a first round without a start model', async () => {
    await round.joinAll(updates);
    expect((await round.aggregate('fed-adam', {}, { round: 1 })).w).toEqual([2.5, -1.5]);
  });
});

describe('configuration', () => {
  it('names the option that is wrong and those that there are', async () => {
    await round.joinAll([[1]]);
    await expect(round.aggregate('trimmed-mean', { fractoin: 0.2 })).rejects.toMatchObject({
      code: 'bad-options',
      message: expect.stringContaining('fractoin'),
      hint: expect.stringContaining('fraction'),
    });
    await expect(round.aggregate('mila.aggregators.Unknown')).rejects.toMatchObject({
      code: 'unknown-aggregator',
    });
  });
});
