import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readReport } from '../../../../src/fl/executor/result-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-result-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function reportOf(text: string) {
  const path = join(folder, 'result.json');
  writeFileSync(path, text);
  return readReport(path);
}

it.each([
  ['NaN', 'auc is NaN: left out'],
  ['Infinity', 'auc is Infinity: left out'],
  ['-Infinity', 'auc is -Infinity: left out'],
  ['null', 'auc is null: left out'],
  ['"high"', 'auc is high: left out'],
  ['[1]', 'auc is [1]: left out'],
])('F1: a metric that is %s is left out and named, the rest is kept', async (auc, omission) => {
  expect(await reportOf(`{"samples": 100, "metrics": {"loss": 0.5, "auc": ${auc}, "n NaN n": 1}}`)).toEqual({
    samples: 100,
    metrics: { loss: 0.5, 'n NaN n': 1 },
    omissions: [omission],
  });
});

it.each([
  ['30.5', 'samples is 30.5, which is no number of samples: left out'],
  ['-1', 'samples is -1, which is no number of samples: left out'],
  ['"30"', 'samples is 30, which is no number of samples: left out'],
  ['true', 'samples is true, which is no number of samples: left out'],
])('F1: samples of %s are left out and named', async (samples, omission) => {
  expect(await reportOf(`{"samples": ${samples}, "metrics": {"loss": 1}}`)).toEqual({
    samples: null,
    metrics: { loss: 1 },
    omissions: [omission],
  });
});

it.each(['', '{"samples": 10', '[]', 'null', '{"samples": 10, "metrics": 5}', '{"metrics": ["a"]}'])(
  'F1: a report of %j costs nobody a model',
  async (text) => {
    const { metrics, omissions } = await reportOf(text);
    expect(metrics).toEqual({});
    expect(omissions).toHaveLength(1);
  },
);

it('F1: a report that was not written is told, and what is absent is not', async () => {
  const path = join(folder, 'absent.json');
  expect((await readReport(path)).omissions).toEqual([
    `the result file ${path} (it was not written): left out`,
  ]);
  expect(await reportOf('{}')).toEqual({ samples: null, metrics: {}, omissions: [] });
  expect(await reportOf('{"samples": null, "metrics": null}')).toEqual({
    samples: null,
    metrics: {},
    omissions: [],
  });
});

it('keeps a hundred metrics with the names that others take, and tells ten of the others', async () => {
  const many = Object.fromEntries(Array.from({ length: 130 }, (_, index) => [`m${index}`, index]));
  const { metrics, omissions } = await reportOf(JSON.stringify({ metrics: { ...many, '\u001b[2J': 1 } }));
  expect(Object.keys(metrics)).toHaveLength(100);
  expect(omissions).toHaveLength(11);
  expect(omissions.at(-1)).toBe('and 21 more: left out');
});
