import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FederationEvent } from '../../../../src/fl/round/event.ts';
import { MetricsTail } from '../../../../src/fl/tracking/metrics-tail.ts';
import { TensorboardTracker } from '../../../../src/fl/tracking/tensorboard-tracker.ts';
import { History } from '../../../../src/fl/transport/history.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { hasTracker, readByTensorboard } from '../../../support/tracking-peers.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

let folder = '';
let directory = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tensorboard-'));
  directory = join(folder, 'tensorboard');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const clock = new FakeClock(Date.UTC(2026, 0, 31, 9, 15));
const newTracker = () =>
  new TensorboardTracker({ directory, tail: new MetricsTail(join(folder, 'metrics.jsonl')), self: 'me' });

function eventsOf(round: number): readonly FederationEvent[] {
  const update = { event: 'update-received', round, samples: 10, size_bytes: 1 } as const;
  return [
    { ...update, participant: 'site_a', metrics: { loss: 1 / round } },
    { ...update, participant: 'Zoë', metrics: { 'val/loss': 2 / round } },
    {
      event: 'aggregated',
      round,
      weights: { site_a: 0.25 },
      refused: [],
      metrics: { loss: 0.5 },
      seconds: 2,
    },
  ];
}

async function happened(...rounds: readonly number[]): Promise<void> {
  const history = new History({ folder, clock, logger: silentLogger });
  for (const event of rounds.flatMap(eventsOf)) {
    history.record(event);
    await clock.advance(1_000);
  }
  await history.close();
}

async function written(): Promise<{ readonly path: string; readonly bytes: Buffer }> {
  const names = await readdir(directory);
  expect(names).toHaveLength(1);
  const path = join(directory, names[0] ?? '');
  return { path, bytes: await readFile(path) };
}

describe('the files for TensorBoard', () => {
  it('are the same whether written at once, bit by bit, or by several lives', async () => {
    const tracker = newTracker();
    await tracker.catchUp();
    for (const round of [1, 2]) {
      await happened(round);
      await tracker.catchUp();
    }
    const bitByBit = await written();
    await newTracker().catchUp();
    expect((await written()).bytes.equals(bitByBit.bytes)).toBe(true);
    await rm(directory, { recursive: true });
    await newTracker().catchUp();
    expect(await written()).toEqual(bitByBit);
  });

  it('are gone on with wherever a death cut them short', async () => {
    await happened(1, 2);
    await newTracker().catchUp();
    const whole = await written();
    for (let length = 0; length < whole.bytes.length; length += 7) {
      await truncate(whole.path, length);
      await newTracker().catchUp();
      expect((await written()).bytes.equals(whole.bytes), `cut to ${length}`).toBe(true);
    }
  });

  it('are made again where somebody removed or cut them while the program runs', async () => {
    await happened(1);
    const tracker = newTracker();
    await tracker.catchUp();
    const { path } = await written();
    await truncate(path, 100);
    await happened(2);
    await tracker.catchUp();
    const whole = await written();
    await rm(path);
    await happened(3);
    await tracker.catchUp();
    expect((await written()).bytes.subarray(0, whole.bytes.length).equals(whole.bytes)).toBe(true);
  });

  it('stand beside a file of the same name that somebody else wrote', async () => {
    await happened(1);
    await newTracker().catchUp();
    const { path, bytes } = await written();
    await writeFile(path, 'something else');
    await newTracker().catchUp();
    expect(await readFile(path, 'utf8')).toBe('something else');
    expect((await readFile(`${path}.2`)).equals(bytes)).toBe(true);
    await happened(2);
    await newTracker().catchUp();
    expect((await readdir(directory)).length).toBe(2);
  });

  it('wait for the end of a line, and pass over one that is none', async () => {
    await happened(1);
    const tracker = newTracker();
    await tracker.catchUp();
    const before = (await written()).bytes.length;
    await appendFile(join(folder, 'metrics.jsonl'), '{"at":"2026-01-31T10:00:00.000Z","rou');
    await tracker.catchUp();
    expect((await written()).bytes.length).toBe(before);
    // The next life ends the line that this one lost.
    await happened(2);
    await tracker.catchUp();
    expect((await written()).bytes.length).toBeGreaterThan(before);
  });
});

describe.skipIf(!hasTracker('tensorboard'))(
  'TensorBoard itself (skipped where it is not installed: npm run python-peers)',
  () => {
    it('reads every point once, with its step and its time', { timeout: 90_000 }, async () => {
      await happened(1, 2);
      await newTracker().catchUp();
      await truncate((await written()).path, 333);
      await happened(3);
      await newTracker().catchUp();
      const curves = await readByTensorboard(directory);
      expect(Object.keys(curves).sort()).toEqual([
        'aggregation_seconds/aggregate',
        'loss/aggregate',
        'loss/site_a',
        'samples/Zoë',
        'samples/site_a',
        'val/loss/Zoë',
        'weight/site_a',
      ]);
      expect(curves['loss/site_a']?.map(([step, value]) => [step, value])).toEqual([
        [1, 1],
        [2, 0.5],
        [3, Math.fround(1 / 3)],
      ]);
      const seconds = curves['loss/aggregate']?.map(([, , time]) => time) ?? [];
      expect(seconds).toHaveLength(3);
      expect(new Date((seconds[0] ?? 0) * 1000).getUTCFullYear()).toBe(2026);
    });
  },
);
