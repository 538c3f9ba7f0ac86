import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAggregator } from '../../../../src/fl/aggregate/create-aggregator.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { Federation } from './federation.ts';

const COPY_FIRST = `async aggregate([input], outputPath) {
    await (await import('node:fs/promises')).copyFile(input.path, outputPath);
    return { weights: new Map([[input.participant, 1]]), notes: [String(this?.word ?? 'made by a function')] };
  }`;

let round: Federation;
beforeEach(async () => {
  round = new Federation();
  await round.joinAll([[5], [7]]);
  mkdirSync(join(round.folder, 'rules'));
  writeFileSync(
    join(round.folder, 'rules', 'mine.mjs'),
    `export function first() { return { ${COPY_FIRST} }; }
export class First { constructor(options) { this.word = options.word; } ${COPY_FIRST} }
export const nothing = () => ({});
export const few = () => ({ participants: ['a', 'b'], aggregate: async () => {} });
export const odd = () => ({ participants: 'a, b', aggregate: async () => {} });
export const wrong = () => ({ aggregate: async ([input], out) => {
    await (await import('node:fs/promises')).copyFile(input.path, out);
    return { notes: 'one' };
  } });
export class Unmade { constructor() { throw new Error('no licence'); } async aggregate() {} }
export const throwing = () => ({ aggregate: async () => { throw new TypeError('of undefined'); } });
export const rude = () => ({ aggregate: () => { throw new TypeError('at once'); } });
export const idle = () => ({ aggregate: async () => ({}) });
export const value = 1;`,
  );
  writeFileSync(join(round.folder, 'rules', 'broken.mjs'), 'export const = 1;');
});
afterEach(() => round.remove());

const aggregate = (type: string) =>
  round.aggregate(type, { word: 'made by a class' }, {}, { baseDirectory: round.folder });

describe("an aggregator from a user's own module", () => {
  it('is found by a dotted name, and constructed where it is a class', async () => {
    const { w, report } = await aggregate('rules.mine.First');
    expect(w).toEqual([5]);
    expect(report.notes).toEqual(['made by a class']);
  });

  it('is found by file and export, and called where it is a function', async () => {
    const { w, report } = await aggregate('rules/mine.mjs:first');
    expect(w).toEqual([5]);
    expect(report.notes).toEqual(['made by a function']);
  });

  it('says whom it can count', async () => {
    const dependencies = { logger: silentLogger, baseDirectory: round.folder };
    const { participants } = await createAggregator('rules.mine.few', {}, dependencies);
    expect(participants).toEqual(['a', 'b']);
  });

  it('may leave out of its report what it does not know', async () => {
    const { report } = await aggregate('rules.mine.first');
    expect(report).toMatchObject({ refused: [], tensors: 0, sizeBytes: 0 });
  });

  it.each([
    ['rules.mine.missing', 'not a function or class'],
    ['rules.mine.value', 'not a function or class'],
    ['rules.mine.nothing', 'no'],
    ['rules.mine.Unmade', 'no licence'],
    ['rules.mine.odd', 'no list of names'],
    ['rules.broken.First', 'cannot be loaded'],
    ['rules/absent.mjs:First', 'cannot be loaded'],
    ['rules.absent.First', 'is no aggregator'],
    ['mila.aggregators.PlainTorchAgregator', 'did you mean mila.aggregators.PlainTorchAggregator?'],
  ])('is refused by name when %s does not work', async (type, words) => {
    await expect(aggregate(type)).rejects.toMatchObject({
      code: 'unknown-aggregator',
      message: expect.stringContaining(words),
    });
  });

  it.each([
    ['rules.mine.throwing', 'of undefined'],
    ['rules.mine.rude', 'at once'],
    ['rules.mine.idle', 'wrote no aggregate'],
  ])('is named as the one that failed when %s does', async (type, words) => {
    await expect(aggregate(type)).rejects.toMatchObject({
      code: 'aggregator-failed',
      message: expect.stringContaining(words),
    });
  });

  it('has what it reports looked at before anybody relies on it', async () => {
    await expect(aggregate('rules.mine.wrong')).rejects.toMatchObject({
      code: 'bad-report',
      message: expect.stringContaining('notes'),
    });
  });
});
