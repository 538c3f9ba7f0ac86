import { appendFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputLines, watchOutput } from '../../../../src/fl/executor/output-lines.ts';
import { progressOf } from '../../../../src/fl/executor/progress-line.ts';
import { progressEvents } from '../../../../src/fl/transport/training-progress.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

describe('a line of progress', () => {
  it.each([
    ['{"fraction": 0.25}', { fraction: 0.25, metrics: {} }],
    ['{"fraction": 1, "metrics": {"loss": 0.5}}', { fraction: 1, metrics: { loss: 0.5 } }],
    ['{"fraction": 0, "metrics": {"loss": NaN, "auc": 0.9}}', { fraction: 0, metrics: { auc: 0.9 } }],
    ['{"fraction": 0.5, "metrics": "none", "epoch": 3}', { fraction: 0.5, metrics: {} }],
  ])('is %s', (line, progress) => {
    expect(progressOf(line)).toEqual(progress);
  });

  it.each([
    'epoch 3 of 10, "fraction": 0.3',
    '{"fraction": 1.5}',
    '{"fraction": -0.1}',
    '{"fraction": "0.5"}',
    '{"fraction": NaN}',
    '{"fraction": 0.5',
    '["fraction"]',
    '{"epoch": 3}',
    `{"fraction": 0.5, "note": "${'x'.repeat(5_000)}"}`,
  ])('is not %s', (line) => {
    expect(progressOf(line)).toBeUndefined();
  });
});

describe('lines of output', () => {
  it('are cut at ends of lines and where a progress bar is drawn anew, in whole characters', () => {
    const lines = new OutputLines();
    const bytes = Buffer.from('épo');
    expect(lines.push(bytes.subarray(0, 1))).toEqual([]);
    expect(lines.push(bytes.subarray(1))).toEqual([]);
    expect(lines.push(Buffer.from('ch 1\n\n 10 %\r 20 %\rrest'))).toEqual(['époch 1', '10 %', '20 %']);
    expect(lines.push(Buffer.from('\n'))).toEqual(['rest']);
  });

  it('take no memory for a line that never ends', () => {
    const lines = new OutputLines();
    for (let piece = 0; piece < 1_000; piece += 1) lines.push(Buffer.alloc(10_000, 'x'));
    expect(lines.push(Buffer.from('\n'))[0]?.length).toBe(4_096);
  });
});

describe('a program’s output', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'program-progress-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is told as it grows, from where it begins, and to its last line', async () => {
    const path = join(folder, 'log.txt');
    await appendFile(path, 'an earlier round\n');
    const log = await open(path, 'a+');
    const { size } = await log.stat();
    const told: string[] = [];
    const clock = new FakeClock();
    const watch = watchOutput(log, { clock, from: size, onLines: (lines) => told.push(...lines) });
    await appendFile(path, 'epoch 1\nepo');
    await clock.advance(600);
    await expect.poll(() => told).toEqual(['epoch 1']);
    await appendFile(path, 'ch 2\n');
    await watch.stop();
    expect(told).toEqual(['epoch 1', 'epoch 2']);
    await log.close();
  });

  it('is told by its end where it is too much', async () => {
    const path = join(folder, 'log.txt');
    const log = await open(path, 'a+');
    const told: string[] = [];
    const watch = watchOutput(log, {
      clock: new FakeClock(),
      from: 0,
      onLines: (lines) => told.push(...lines),
    });
    await appendFile(path, `${'a line\n'.repeat(100_000)}the last\n`);
    await watch.stop();
    expect(told.at(-1)).toBe('the last');
    expect(told.length).toBeLessThan(12_000);
    await log.close();
  });
});

it('tells fractions four times a second, lines every five seconds, and the end always', async () => {
  const clock = new FakeClock();
  const told: unknown[] = [];
  const progress = progressEvents(clock, (each) => told.push(each));
  progress(null, {}, 'a');
  progress(null, {}, 'b');
  await clock.advance(4_000);
  progress(null, {}, 'c');
  progress(0.5, {}, 'c');
  await clock.advance(300);
  progress(0.6, { loss: 1 }, 'c');
  progress(0.7, { loss: 1 }, 'c');
  progress(1, { loss: 1 });
  expect(told).toEqual([
    { fraction: null, line: 'a' },
    { fraction: 0.5, line: 'c' },
    { fraction: 0.6, metrics: { loss: 1 }, line: 'c' },
    { fraction: 1, metrics: { loss: 1 } },
  ]);
});
