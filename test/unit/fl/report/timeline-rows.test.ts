import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inspectRun } from '../../../../src/fl/inspection/inspect-run.ts';
import type { Inspection } from '../../../../src/fl/inspection/inspection.ts';
import { scanRun } from '../../../../src/fl/inspection/scan-run.ts';
import { textTimeline } from '../../../../src/fl/report/text-timeline.ts';
import { timelineRows } from '../../../../src/fl/report/timeline-rows.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun } from '../../../support/made-run.ts';

let parent = '';
let run: MadeRun;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'rows-'));
  run = new MadeRun(join(parent, '2023-01-16_10-11-00'));
  await makeGoodRun(run, ['a', 'b'], 3);
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

async function inspected(absences: Inspection['server']['absences']): Promise<Inspection> {
  const nowMs = MADE_AT_MS + 9_000_000;
  const made = inspectRun({ run: await scanRun(run.folder), facts: null, findings: new Map(), nowMs });
  return { ...made, server: { ...made.server, absences } };
}

it('a server that never was away has no row', async () => {
  expect(timelineRows(await inspected([])).map(({ name }) => name)).toEqual(['a', 'b']);
});

it('a server that was away has a row with exactly that gap, above the participants', async () => {
  const gap = { fromMs: MADE_AT_MS + 60_000, toMs: MADE_AT_MS + 90_000, how: 'killed' as const };
  const inspection = await inspected([gap]);
  const [server, ...others] = timelineRows(inspection);
  expect(server?.name).toBe('(server)');
  expect(others.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(server?.spans.map(({ activity }) => activity)).toEqual(['waiting', 'absent', 'waiting']);
  expect(server?.spans[1]).toMatchObject({ fromMs: gap.fromMs, toMs: gap.toMs });
  expect(textTimeline(inspection, 80)).toMatch(/^\(server\) +\|\.+-+\.+\|$/m);
});

it('an absence before the run began or after its last sign of life adds nothing outside the run', async () => {
  const inspection = await inspected([
    { fromMs: MADE_AT_MS - 60_000, toMs: MADE_AT_MS - 30_000, how: 'killed' },
    { fromMs: MADE_AT_MS + 9_000_000, toMs: MADE_AT_MS + 9_100_000, how: 'killed' },
  ]);
  const spans = timelineRows(inspection)[0]?.spans ?? [];
  for (const { fromMs, toMs } of spans) {
    expect(fromMs).toBeGreaterThanOrEqual(inspection.startedAtMs ?? 0);
    expect(toMs).toBeLessThanOrEqual(inspection.lastActivityAtMs ?? 0);
    expect(toMs).toBeGreaterThan(fromMs);
  }
});
