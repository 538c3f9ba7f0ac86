import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StateError } from '../../../../src/errors.ts';
import { lookIntoCheckpoints } from '../../../../src/fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../../../../src/fl/inspection/inspect-run.ts';
import { scanRun } from '../../../../src/fl/inspection/scan-run.ts';
import { inspectionText } from '../../../../src/fl/report/inspection-text.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun } from '../../../support/made-run.ts';

let parent = '';
let run: MadeRun;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'scan-'));
  run = new MadeRun(join(parent, '2023-01-16_19-11'));
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

async function inspect() {
  const observed = await scanRun(run.folder);
  const findings = await lookIntoCheckpoints(observed, { deep: false });
  return inspectRun({ run: observed, facts: null, findings, nowMs: MADE_AT_MS });
}

it('refuses what is no folder, and an empty one', async () => {
  await expect(scanRun(join(parent, 'none'))).rejects.toThrow(StateError);
  await mkdir(join(parent, 'empty'));
  await expect(scanRun(join(parent, 'empty'))).rejects.toThrow('it is empty');
  await writeFile(join(parent, 'file'), 'x');
  await expect(scanRun(join(parent, 'file'))).rejects.toThrow(StateError);
});

it('names links and pipes in every place and opens none of them', async () => {
  await makeGoodRun(run, ['a', 'b'], 1);
  const secret = join(parent, 'secret.txt');
  await writeFile(secret, 'Authenticated - Token secret');
  await symlink(secret, join(run.folder, 'authentications/c_authentication.txt'));
  await symlink('/dev/zero', join(run.folder, 'rounds/round_1/c.pt'));
  await symlink(parent, join(run.folder, 'rounds/round_7'));
  await rm(join(run.folder, 'cfg.json'));
  for (const path of ['cfg.json', 'rounds/round_1/d.pt', 'rounds/round_1/d.meta.json'])
    execFileSync('mkfifo', [join(run.folder, path)]);
  const inspection = await inspect();
  expect(inspection.irregularityCounts).toEqual(
    expect.arrayContaining([
      { code: 'symbolic-link', severity: 'error', count: 3 },
      { code: 'special-file', severity: 'error', count: 3 },
      { code: 'no-task', severity: 'error', count: 1 },
    ]),
  );
  expect(inspection.participants.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(JSON.stringify(inspection)).not.toContain('Token secret');
});

it('lists some of ten thousand strays, counts all of them, and stays quick', async () => {
  await makeGoodRun(run, ['a', 'b'], 2);
  const numbers = Array.from({ length: 10_000 }, (_, index) => index);
  for (let first = 0; first < numbers.length; first += 500)
    await Promise.all(
      numbers
        .slice(first, first + 500)
        .map((index) => writeFile(join(run.folder, 'rounds/round_1', `stray-${index}`), '')),
    );
  const inspection = await inspect();
  expect(inspection.irregularityCounts).toEqual([
    { code: 'unexpected-file', severity: 'warning', count: 10_000 },
  ]);
  expect(inspection.irregularities).toHaveLength(50);
  expect(inspectionText(inspection, { width: 100, colour: false })).toContain('9950 more');
});

it('shows names that would steer a terminal as plain text', async () => {
  await makeGoodRun(run, ['a', 'b'], 1);
  await run.answer('\u001b[2J\u202eevil', 5, '');
  await run.text('\u001b]0;title\u0007.txt', 5, '');
  const text = inspectionText(await inspect(), { width: 100, colour: false });
  expect(text).toContain('\\u{1b}[2J\\u{202e}evil');
  for (const steering of ['\u001b', '\u202e', '\u0007']) expect(text).not.toContain(steering);
});

it('reads twenty clients and fifty rounds in under two seconds', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `tester${index + 1}`);
  await makeGoodRun(run, names, 50);
  const before = process.cpuUsage();
  const inspection = await inspect();
  const text = inspectionText(inspection, { width: 120, colour: false });
  const { user, system } = process.cpuUsage(before);
  expect(inspection.rounds.flatMap(({ updates }) => updates)).toHaveLength(1000);
  expect(inspection.irregularities).toEqual([]);
  expect(text).toContain('600 more updates');
  // The processor's time, because other tests share this machine.
  expect((user + system) / 1e6).toBeLessThan(2);
});
