import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exportCommand } from '../../../../src/cli/commands/export.ts';
import { lookAtRun } from '../../../../src/cli/look-at-run.ts';
import { systemClock } from '../../../../src/clock.ts';
import { inspectedMeasurements } from '../../../../src/fl/tracking/inspected-measurements.ts';
import { Points } from '../../../../src/fl/tracking/point.ts';
import { fakeMlflow } from '../../../support/fake-mlflow.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun } from '../../../support/made-run.ts';
import { hasTracker, readByTensorboard } from '../../../support/tracking-peers.ts';

let folder = '';
let run = '';
let printed = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  run = join(folder, '2026-01-31_09-15-00');
  await makeGoodRun(new MadeRun(run), ['site_a', 'Zoë'], 2);
  printed = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const typed = (...words: readonly string[]) =>
  exportCommand()
    .exitOverride()
    .parseAsync([run, '--quiet', ...words], { from: 'user' });

/** Times of files are not whole milliseconds. */
const stamp = () =>
  utimes(
    join(run, 'rounds/round_1/site_a.pt'),
    MADE_AT_MS / 1000 + 70.1234567,
    MADE_AT_MS / 1000 + 70.1234567,
  );

/** As if a third round had come since. */
const grown = () => makeGoodRun(new MadeRun(run), ['site_a', 'Zoë'], 3);

async function pointsOf(): Promise<readonly string[]> {
  const { inspection } = await lookAtRun(run, { clock: systemClock(), checkpoints: 'none' });
  const points = new Points('server');
  return inspectedMeasurements(inspection)
    .flatMap((each) => points.of(each))
    .map(({ tag, step, value }) => `${step} ${tag} ${value}`);
}

describe('the numbers of a run folder', () => {
  it('are those of the newest run where a folder of runs is named', async () => {
    const table = join(folder, 'numbers.csv');
    await makeGoodRun(new MadeRun(join(folder, '2025-01-31_09-15-00')), ['older'], 1);
    await exportCommand().exitOverride().parseAsync([folder, '--quiet', '--csv', table], { from: 'user' });
    const text = await readFile(table, 'utf8');
    expect(text).toContain('site_a');
    expect(text).not.toContain('older');
  });

  it('are those of the side files, round by round, with the whole round last', async () => {
    expect((await pointsOf()).slice(0, 10)).toEqual([
      '1 samples/site_a 120',
      '1 loss/site_a 1',
      '1 training_seconds/site_a 20',
      '1 weight/site_a 0.5',
      '1 samples/Zoë 120',
      '1 loss/Zoë 1',
      '1 training_seconds/Zoë 20',
      '1 weight/Zoë 0.5',
      '1 loss/aggregate 1',
      '1 aggregation_seconds/aggregate 1.5',
    ]);
  });

  it('are none of an update that the server refused', async () => {
    await writeFile(join(run, 'rounds/round_2/site_a.refused.json'), '{"reason": "shape"}');
    const points = await pointsOf();
    expect(points).toContain('1 loss/site_a 1');
    expect(points.filter((point) => point.startsWith('2 ') && point.includes('site_a'))).toEqual([]);
  });
});

describe('mila-sync export --csv', () => {
  it('writes a table, and over an earlier one', async () => {
    const path = join(folder, 'numbers.csv');
    await typed('--csv', path);
    const first = (await readFile(path, 'utf8')).split('\n');
    expect(first[0]).toBe('round,participant,metric,value,time');
    const at = new Date(MADE_AT_MS + 71_000).toISOString();
    expect(first).toContain(`1,Zoë,loss,1,${at}`);
    await grown();
    await typed('--csv', path);
    expect((await readFile(path, 'utf8')).split('\n').length).toBeGreaterThan(first.length);
    expect(printed).toBe(`${path}\n${path}\n`);
  });

  it.each(['round,participant,metric,value\n1,a,loss,1\n', 'precious'])(
    'leaves %j as it is',
    async (content) => {
      const path = join(folder, 'metrics.csv');
      await writeFile(path, content);
      await expect(typed('--csv', path)).rejects.toMatchObject({ code: 'foreign-file' });
      expect(await readFile(path, 'utf8')).toBe(content);
    },
  );
});

describe('mila-sync export --tensorboard', () => {
  const filesOf = (directory: string) => readdir(join(directory, '2026-01-31_09-15-00'));

  it('writes a file that it grows when typed again', async () => {
    const directory = join(folder, 'logs');
    await typed('--tensorboard', directory, '--json');
    const { tensorboard: path } = JSON.parse(printed) as { tensorboard: string };
    const first = await readFile(path);
    await typed('--tensorboard', directory);
    expect((await readFile(path)).equals(first)).toBe(true);
    // The last round's weights come with its end.
    await grown();
    await typed('--tensorboard', directory);
    expect((await readFile(path)).length).toBeGreaterThan(first.length);
    expect(await filesOf(directory)).toHaveLength(1);
    await writeFile(path, 'precious');
    await expect(typed('--tensorboard', directory)).rejects.toMatchObject({ code: 'foreign-file' });
  });

  it.skipIf(!hasTracker('tensorboard'))(
    'writes what TensorBoard reads (skipped where it is not installed: npm run python-peers)',
    { timeout: 60_000 },
    async () => {
      const directory = join(folder, 'logs');
      await typed('--tensorboard', directory);
      await grown();
      await typed('--tensorboard', directory);
      const curves = await readByTensorboard(join(directory, '2026-01-31_09-15-00'));
      expect(curves['loss/Zoë']?.map(([step]) => step)).toEqual([1, 2, 3]);
      expect(curves['aggregation_seconds/aggregate']?.map(([, value]) => value)).toEqual([1.5, 1.5, 1.5]);
    },
  );
});

describe('mila-sync export --mlflow', () => {
  it('makes one run, brings what is missing when typed again, and tells how the run ended', async () => {
    const mlflow = await fakeMlflow();
    try {
      await stamp();
      await rm(join(run, 'server_ended.txt'));
      await typed('--mlflow', mlflow.uri, '--experiment', 'trial');
      expect(mlflow.runs.map(({ status }) => status)).toEqual(['RUNNING']);
      await grown();
      await stamp();
      await typed('--mlflow', mlflow.uri, '--experiment', 'trial');
      await typed('--mlflow', mlflow.uri, '--experiment', 'trial', '--json');
      const [made, ...others] = mlflow.runs;
      expect(others).toEqual([]);
      expect(made?.name).toBe('2026-01-31_09-15-00');
      expect(made?.status).toBe('FINISHED');
      const told = made?.metrics.map(({ key, step, value }) => `${step} ${key} ${value}`) ?? [];
      expect([...told].sort()).toEqual([...(await pointsOf())].sort());
      expect(made?.params.get('participants')).toBe('site_a, Zoë');
      expect(JSON.parse(printed.trim().split('\n').at(-1) ?? '')).toMatchObject({ mlflow: { sent: 0 } });
    } finally {
      await mlflow.close();
    }
  });

  it('says what is wrong with the words, without the address', async () => {
    await expect(typed()).rejects.toMatchObject({ code: 'nowhere' });
    await expect(typed('--experiment', 'x', '--csv', 'y')).rejects.toMatchObject({ code: 'no-mlflow' });
    const error: unknown = await typed('--mlflow', 'http://me:swordfish@host').catch((caught) => caught);
    expect(error).toMatchObject({
      code: 'mlflow-address',
      message: expect.stringMatching(/^--mlflow: an address/),
    });
    expect(JSON.stringify([String(error), error])).not.toContain('swordfish');
    await expect(typed('--mlflow', 'http://127.0.0.1:1')).rejects.toMatchObject({ name: 'TransientError' });
  });
});
