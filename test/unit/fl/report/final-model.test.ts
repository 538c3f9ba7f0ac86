import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lookIntoCheckpoints } from '../../../../src/fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../../../../src/fl/inspection/inspect-run.ts';
import { scanRun } from '../../../../src/fl/inspection/scan-run.ts';
import { finalModelOf, sha256Words } from '../../../../src/fl/report/final-model.ts';
import { renderRunPage } from '../../../../src/fl/report/run-page.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun } from '../../../support/made-run.ts';

let parent = '';
let run: MadeRun;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'final-model-'));
  run = new MadeRun(join(parent, '2023-01-16_10-11-00'));
  await makeGoodRun(run, ['a', 'b'], 2);
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

async function look(deep: boolean) {
  const observed = await scanRun(run.folder);
  const findings = await lookIntoCheckpoints(observed, { deep });
  const inspection = inspectRun({ run: observed, facts: null, findings, nowMs: MADE_AT_MS });
  return { inspection, finalModel: finalModelOf(inspection, observed) };
}

async function words(deep: boolean): Promise<string> {
  const { finalModel } = await look(deep);
  if (finalModel === null) return 'none';
  expect(finalModel.path).toBe(join(run.folder, 'rounds/round_3/server.agg'));
  return sha256Words(finalModel);
}

/** Write into the account of the last round what the server says the final model's digest is. */
async function state(sha256: string): Promise<void> {
  const path = 'rounds/round_2/server.meta.json';
  const account: object = JSON.parse(await readFile(join(run.folder, path), 'utf8'));
  await run.json(path, 149, { ...account, sha256 });
}

it('tells the SHA-256 of the final model, and where it is from', async () => {
  const actual = createHash('sha256')
    .update(await readFile(join(run.folder, 'rounds/round_3/server.agg')))
    .digest('hex');
  expect(await words(false)).toMatch(/^not known: .*--deep/);
  expect(await words(true)).toBe(`${actual}, computed from the file`);
  await state(actual);
  expect(await words(false)).toMatch(new RegExp(`^${actual}, as the server wrote`));
  expect(await words(true)).toMatch(/the same as the server wrote$/);
  await state('f'.repeat(64));
  expect(await words(true)).toMatch(/the server wrote another: f{64}$/);
});

it('is none while the run is open', async () => {
  await rm(join(run.folder, 'server_ended.txt'));
  const { inspection, finalModel } = await look(false);
  expect(finalModel).toBeNull();
  expect(renderRunPage({ inspection, finalModel, accuracy: null, facts: [] })).toMatch(
    /<dt>final model<\/dt><dd>not yet<\/dd>/,
  );
});

it('stands in the page, which holds no Unix time and is the same each time it is drawn', async () => {
  await run.text('server_ended.txt', 150, 'disk failed 1673863860.5');
  await run.json('rounds/round_2/a.refused.json', 149, { message: 'refused at 1673863860' });
  await run.answer('late', 100, 'Error - closed 1673863860.25');
  const { inspection, finalModel } = await look(false);
  const draw = () => renderRunPage({ inspection, finalModel, accuracy: null, facts: [] });
  const page = draw();
  expect(page).toContain('rounds/round_3/server.agg');
  expect(page).not.toMatch(/\b1673863860/);
  expect(page).toContain('2023-01-16 10:11:00 UTC');
  expect(page).not.toMatch(/ style="|class="zr/);
  expect(draw()).toBe(page);
});
