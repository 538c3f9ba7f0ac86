import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { runPaths } from '../../../../src/fl/round/run-folder.ts';
import { OpenedRounds } from '../../../../src/fl/transport/opened-rounds.ts';
import { OwnedFiles } from '../../../../src/fl/transport/owned-files.ts';
import { openPlainWorkdir } from '../../../../src/fl/transport/plain-workdir.ts';
import { silentLogger } from '../../../../src/logger.ts';

const RUN = '2026-01-01_00-00-00';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mila-rounds-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function openRound(round: number): void {
  const path = join(root, runPaths.aggregate(RUN, round));
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, 'model');
}

async function roundsOf(): Promise<OpenedRounds> {
  const workdir = await openPlainWorkdir({ root, clock: systemClock(), logger: silentLogger });
  return new OpenedRounds(workdir, RUN, new OwnedFiles(workdir, RUN));
}

it('counts a new round once, however many look at the same time', async () => {
  openRound(1);
  const rounds = await roundsOf();
  expect(await rounds.newest()).toBe(1);
  openRound(2);
  const looks = await Promise.all([rounds.newest(), rounds.newest(), rounds.newest()]);
  expect([...looks, await rounds.newest()]).toEqual([2, 2, 2, 2]);
});
