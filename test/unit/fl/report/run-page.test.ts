import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lookIntoCheckpoints } from '../../../../src/fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../../../../src/fl/inspection/inspect-run.ts';
import { scanRun } from '../../../../src/fl/inspection/scan-run.ts';
import { inspectionText } from '../../../../src/fl/report/inspection-text.ts';
import { renderRunPage } from '../../../../src/fl/report/run-page.ts';
import { faultsOf, HOSTILE, STEERING } from '../../../support/hostile-text.ts';
import { MADE_AT_MS, MadeRun, makeGoodRun } from '../../../support/made-run.ts';

let parent = '';
let run: MadeRun;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'run-page-'));
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

it('writes one page with plots, and nothing in it runs or loads anything', async () => {
  await makeGoodRun(run, ['Lab A', 'b'], 2);
  await run.heartbeat('<img src=x onerror=alert(1)>', 100);
  const page = renderRunPage({
    inspection: await inspect(),
    finalModel: null,
    accuracy: [
      { round: 1, aggregate: 0.85, clients: { '"><script>alert(2)</script>': 0.6, b: 0.7 } },
      { round: 2, aggregate: 0.9234, clients: { '"><script>alert(2)</script>': 0.8, b: 0.81 } },
    ],
    facts: [['API calls & more', '<17>']],
  });
  expect(page).toContain('92.34 %');
  // Accuracy, timeline, metric, speed.
  expect(page.match(/<svg role="img" aria-label="/g)).toHaveLength(4);
  expect(page).toContain('API calls &amp; more');
  expect(page).toContain('&lt;17&gt;');
  expect(page).not.toMatch(/<script|<img|<link|<iframe|\bsrc="|href="(?!#)/i);
  expect(page).not.toMatch(/<[^>]*\son\w+=/i);
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).not.toContain('#010203');
});

it('holds no raw control character, whoever wrote it into a name, an ending or the task', async () => {
  await makeGoodRun(run, ['a'], 1);
  await run.heartbeat('\u001b[2J\u202evil', 100);
  await run.text('server_ended.txt', 200, HOSTILE);
  await run.text('cfg.json', 1, JSON.stringify({ task: HOSTILE }));
  const inspection = await inspect();
  const page = renderRunPage({
    inspection,
    finalModel: null,
    accuracy: [{ round: 1, aggregate: 1, clients: { [HOSTILE]: 1 } }],
    facts: [[HOSTILE, HOSTILE]],
  });
  expect(STEERING.exec(page)).toBeNull();
  expect(page).toContain('\\u{1b}');
  expect(faultsOf(inspectionText(inspection, { width: 100, colour: false }))).toEqual([]);
});

it('says what is missing instead of leaving it out', async () => {
  await run.update(1, 'a', 10);
  const page = renderRunPage({ inspection: await inspect(), finalModel: null, accuracy: null, facts: [] });
  expect(page).toContain('cfg.json is missing');
  expect(page).toContain('not yet');
  expect(page).not.toContain('<svg');
});

it('has every plot’s numbers in a table, and every section in the list of contents', async () => {
  await makeGoodRun(run, ['a', 'b'], 3);
  const page = renderRunPage({ inspection: await inspect(), finalModel: null, accuracy: null, facts: [] });
  for (const caption of ['What each participant spent its time with', 'Updates; times in UTC, 2023-01-16'])
    expect(page).toContain(`<caption>${caption}</caption>`);
  const sections = [...page.matchAll(/<h2 id="([^"]+)">/g)].map(([, id]) => id);
  const contents = [...page.matchAll(/<li><a href="#([^"]+)">/g)].map(([, id]) => id);
  expect(sections).toEqual(contents);
  expect(sections).toEqual([
    'irregularities',
    'timeline',
    'participants',
    'metrics',
    'rounds',
    'transfers',
    'task',
  ]);
});
