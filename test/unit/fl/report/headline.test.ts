import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectRun } from '../../../../src/fl/inspection/inspect-run.ts';
import { scanRun } from '../../../../src/fl/inspection/scan-run.ts';
import { headlineOf } from '../../../../src/fl/report/headline.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun } from '../../../support/made-run.ts';

let parent = '';
let run: MadeRun;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'headline-'));
  run = new MadeRun(join(parent, '2023-01-16_10-11-00'));
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

/** The headline, so many seconds after the run's beginning. */
async function headlineAt(seconds: number): Promise<string> {
  const nowMs = MADE_AT_MS + seconds * 1000;
  return headlineOf(inspectRun({ run: await scanRun(run.folder), facts: null, findings: new Map(), nowMs }));
}

async function begin(...names: readonly string[]): Promise<void> {
  await run.task();
  for (const name of names) await run.answer(name, 2);
  await run.text('rounds/round_1/no_starting_model.info', 30, '');
}

describe('the headline of a run that has ended', () => {
  it('tells how long it took, rounds, sites and what became of the loss', async () => {
    await makeGoodRun(run, ['a', 'b', 'c'], 3);
    expect(await headlineAt(9000)).toBe('Finished in 3 min: 3 rounds, 3 sites, loss 1 to 0.333');
  });

  it('speaks of one round and one site as of one', async () => {
    await makeGoodRun(run, ['a'], 1);
    expect(await headlineAt(9000)).toBe('Finished in 1 min: 1 round, 1 site, loss 1');
  });

  it('says nothing of a loss that nobody told, and takes the mean of the sites’ own where no server did', async () => {
    await begin('a', 'b');
    await run.meta(1, 'a', 60, { metrics: { val_loss: 0.5 }, samples: 100 });
    await run.meta(1, 'b', 60, { metrics: { val_loss: 0.7 }, samples: 300 });
    for (const name of ['a', 'b']) await run.update(1, name, 62);
    await run.update(2, 'a', 90);
    await run.text('rounds/round_2/server.agg', 80, 'x');
    await run.text('server_ended.txt', 100, 'Training finished 1673864160.5');
    expect(await headlineAt(9000)).toBe('Finished in 2 min: 1 round, 2 sites, val_loss 0.65');
    await rm(join(run.folder, 'rounds/round_1/a.meta.json'));
    await rm(join(run.folder, 'rounds/round_1/b.meta.json'));
    expect(await headlineAt(9000)).toBe('Finished in 2 min: 1 round, 2 sites');
  });

  it('tells an abortion with the server’s words, and a stop by a person', async () => {
    await makeGoodRun(run, ['a', 'b'], 4);
    await rm(join(run.folder, 'rounds/round_4'), { recursive: true });
    await rm(join(run.folder, 'rounds/round_5'), { recursive: true });
    await rm(join(run.folder, 'rounds/round_3/server.meta.json'));
    await run.text('server_ended.txt', 7200, 'too few participants\n1673871060.5');
    expect(await headlineAt(9000)).toBe(
      'Aborted after 2 h: 2 of 4 rounds, 2 sites, loss 1 to 0.5. The server wrote: too few participants',
    );
    await run.text('server_ended.txt', 7200, 'Training stop by user\n1673871060.5');
    expect(await headlineAt(9000)).toMatch(/^Stopped by a person after 2 h: 2 of 4 rounds/);
    await run.text('server_ended.txt', 7200, 'out of memory 1673871060.5');
    expect(await headlineAt(9000)).toContain('The server wrote: out of memory 2023-01-16 12:11:00 UTC');
    await run.text('server_ended.txt', 7200, '');
    expect(await headlineAt(9000)).toMatch(/^Ended, nobody says how, after 2 h: /);
  });
});

describe('the headline of a run that goes on', () => {
  it('tells for how long, in which round, and who is awaited', async () => {
    await begin('site_a', 'site_b');
    await run.update(1, 'site_a', 60);
    expect(await headlineAt(90)).toBe('Running for 2 min: round 1, waiting for site_b');
    await run.update(1, 'site_b', 60);
    expect(await headlineAt(90)).toBe('Running for 2 min: round 1, every update is there');
    await run.serverMeta(1, 10, ['site_a', 'site_b'], 65);
    expect(await headlineAt(90)).toBe('Running for 2 min: round 1 of 10 is aggregated, loss 1');
  });

  it('names three of many', async () => {
    await begin('a', 'b', 'c', 'd', 'e');
    expect(await headlineAt(45)).toBe('Running for 45 s: round 1, waiting for a, b, c and 2 more');
  });

  it('does not call a run running of which nothing was heard for long', async () => {
    await begin('a');
    expect(await headlineAt(3 * 86_400)).toBe('Not ended, and nothing came for 3 d: round 1, waiting for a');
  });

  it('has words for a run without a round, and for one without a beginning', async () => {
    await run.task();
    await run.answer('a', 5);
    expect(await headlineAt(10)).toBe('Running for 10 s: no round yet, 1 site admitted');
    await rm(join(run.folder, 'cfg.json'));
    expect(await headlineAt(10)).toBe('Running: no round yet, 1 site admitted');
  });
});
