import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StateError } from '../../../../src/errors.ts';
import { renderRunPage } from '../../../../src/fl/report/run-page.ts';
import { readRunRecord } from '../../../../src/fl/report/run-record.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-page-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

const RUN = {
  'cfg.json': '{"dataset":"mnist"}\n',
  'authentications/Lab A_authentication.txt': 'Authenticated - Token 23118091987',
  'authentications/late_authentication.txt': 'Error - Authentication failed... Registration is closed.',
  'heartbeats/Lab A_heartbeat.txt': '1673864102.2054172',
  'late.lost_connection': 'lost connection on round 1',
  'rounds/round_1/no_starting_model.info': '',
  'rounds/round_1/lab a.pt': 'checkpoint',
  'rounds/round_1/lab a.meta.json':
    '{"round":1,"participant":"Lab A","samples":120,"metrics":{"loss":0.5},"seconds":1.25}',
  'rounds/round_2/server.agg': 'aggregate',
  'rounds/round_10/server.agg': 'aggregate',
  'rounds/notes.txt': '',
  'server_ended.txt': 'Training finished 1673943293.448432',
};

it('reads a run folder as the guide documents it', async () => {
  await put(RUN);
  const record = await readRunRecord(folder);
  expect(record).toMatchObject({
    layout: 'documented',
    ended: 'Training finished 1673943293.448432',
    participants: [
      { name: 'Lab A', answer: 'authenticated', lost: null },
      { name: 'late', answer: 'error', heartbeatAtMs: null, lost: 'lost connection on round 1' },
    ],
  });
  expect(record.rounds.map(({ round }) => round)).toEqual([1, 2, 10]);
  expect(record.rounds[0]).toMatchObject({
    aggregate: null,
    noStartModel: true,
    updates: [{ participant: 'Lab A', sizeBytes: 10, samples: 120, trainingSeconds: 1.25 }],
  });
});

it("reads the layout of kMoL's code, and does without side files or with damaged ones", async () => {
  await put({
    'authentifications/a_authentification.txt': '',
    'rounds/round_1/a.pt': 'x',
    'rounds/round_1/b.pt': 'y',
    'rounds/round_1/b.meta.json': '{"samples":',
  });
  const record = await readRunRecord(folder);
  expect(record).toMatchObject({
    layout: 'kmol',
    task: null,
    ended: null,
    participants: [{ name: 'a', answer: 'none' }],
  });
  expect(record.rounds[0]?.updates.map(({ participant, samples }) => [participant, samples])).toEqual([
    ['a', null],
    ['b', null],
  ]);
});

it('refuses a folder that is not there', async () => {
  await expect(readRunRecord(join(folder, 'none'))).rejects.toThrow(StateError);
});

it('writes one page with a chart, and nothing in it runs or loads anything', async () => {
  await put({ ...RUN, 'heartbeats/<img src=x onerror=alert(1)>_heartbeat.txt': '1.0' });
  const record = await readRunRecord(folder);
  const page = renderRunPage({
    record,
    accuracy: [
      { round: 1, aggregate: 0.85, clients: { '"><script>alert(2)</script>': 0.6, b: 0.7 } },
      { round: 2, aggregate: 0.9234, clients: { '"><script>alert(2)</script>': 0.8, b: 0.81 } },
    ],
    facts: [['API calls & more', '<17>']],
  });
  expect(page).toContain('92.34 %');
  expect(page).toContain('<svg');
  expect(page).toContain('API calls &amp; more');
  expect(page).toContain('&lt;17&gt;');
  expect(page).not.toMatch(/<script|<img|<link|<iframe|\bsrc="|href="(?!#)/i);
  expect(page).not.toMatch(/<[^>]*\son\w+=/i);
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).not.toContain('#010203');
});

it('says what is missing instead of leaving it out', async () => {
  await put({ 'rounds/round_1/a.pt': 'x' });
  const page = renderRunPage({ record: await readRunRecord(folder), accuracy: null, facts: [] });
  expect(page).toContain('cfg.json is missing');
  expect(page).toContain('not yet');
  expect(page).not.toContain('<svg');
});
