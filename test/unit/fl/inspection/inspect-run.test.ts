import { appendFile, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lookIntoCheckpoints } from '../../../../src/fl/inspection/checkpoint-findings.ts';
import { inspectRun } from '../../../../src/fl/inspection/inspect-run.ts';
import type { Inspection } from '../../../../src/fl/inspection/inspection.ts';
import type { IndexFacts, StoredFile } from '../../../../src/fl/inspection/observed-run.ts';
import { scanRun } from '../../../../src/fl/inspection/scan-run.ts';
import { inspectionDocument } from '../../../../src/fl/report/inspection-document.ts';
import { INSPECTION_DOCUMENT } from '../../../support/inspection-schema.ts';
import { attempt, isoAt, MADE_AT_MS, MadeRun, makeGoodRun, smallModel } from '../../../support/made-run.ts';

let parent = '';
let run: MadeRun;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'inspect-'));
  run = new MadeRun(join(parent, '2023-01-16_19-11'));
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

async function inspect(options: { facts?: IndexFacts; deep?: boolean } = {}): Promise<Inspection> {
  const observed = await scanRun(run.folder);
  const findings = await lookIntoCheckpoints(observed, { deep: options.deep ?? false });
  const inspection = inspectRun({
    run: observed,
    facts: options.facts ?? null,
    findings,
    nowMs: MADE_AT_MS + 3_600_000,
  });
  // Whatever a test makes of a run, the document keeps its promise.
  INSPECTION_DOCUMENT.parse(JSON.parse(JSON.stringify(inspectionDocument(inspection))));
  return inspection;
}

const codes = ({ irregularityCounts }: Inspection) => irregularityCounts.map(({ code }) => code);
const at = (seconds: number) => MADE_AT_MS + seconds * 1000;

describe('a run that went well', () => {
  it('may hold the settings of its server and the word of a client that left', async () => {
    await makeGoodRun(run, ['tester1', 'Lab B'], 2);
    await run.text('server.settings.json', 0, '{}');
    await run.text('tester1.departed', 140, '');
    expect((await inspect()).irregularities).toEqual([]);
  });

  it('is told whole: who, when, how much, how long, and nothing irregular', async () => {
    await makeGoodRun(run, ['tester1', 'Lab B'], 2);
    const inspection = await inspect();
    expect(inspection.irregularities).toEqual([]);
    expect(inspection).toMatchObject({
      layouts: ['documented'],
      startedAtMs: at(0),
      roundsPlanned: 2,
      ending: { kind: 'finished', atMs: at(149.5) },
      mount: null,
    });
    expect(
      inspection.participants.map(({ name, admission, delivered }) => [name, admission, delivered]),
    ).toEqual([
      ['Lab B', 'admitted', 2],
      ['tester1', 'admitted', 2],
    ]);
    expect(inspection.participants[1]?.heartbeat).toMatchObject({ silentMs: 4500, skewMs: -250 });
    expect(inspection.rounds.map(({ round, start, isFinal }) => [round, start, isFinal])).toEqual([
      [1, 'no-model', false],
      [2, 'model', false],
      [3, 'model', true],
    ]);
    expect(inspection.rounds[1]?.updates[1]).toMatchObject({
      participant: 'tester1',
      status: 'used',
      deliveredAtMs: at(130),
      samples: 120,
      weight: 0.5,
      metrics: { loss: 0.5 },
      trainingMs: 20_000,
      transferMs: 2000,
      waitingMs: 20_000,
      checkpoint: { format: 'zip', tensors: 2, parameters: 10, problem: null },
    });
  });

  it('shows each participant’s time without gaps or overlaps', async () => {
    await makeGoodRun(run, ['a', 'b'], 2);
    const { participants } = await inspect();
    expect(
      participants[0]?.spans.map(({ activity, round, fromMs, toMs }) => [
        activity,
        round,
        (fromMs - MADE_AT_MS) / 1000,
        (toMs - MADE_AT_MS) / 1000,
      ]),
    ).toEqual([
      ['waiting', null, 2, 30],
      ['receiving', 1, 30, 48],
      ['training', 1, 48, 68],
      ['uploading', 1, 68, 70],
      ['waiting', 1, 70, 90],
      ['receiving', 2, 90, 108],
      ['training', 2, 108, 128],
      ['uploading', 2, 128, 130],
      ['waiting', 2, 130, 150],
    ]);
  });

  it('is read in the layout of kMoL’s code too, where no side files tell durations', async () => {
    run = new MadeRun(run.folder, 'kmol');
    await run.task();
    await run.answer('tester1', 3);
    await run.heartbeat('tester1', 60);
    await run.model('rounds/round_1/server.agg', 10, smallModel(0));
    await run.update(1, 'tester1', 50);
    await run.model('rounds/round_2/server.agg', 60, smallModel(1));
    await run.text('server_ended.txt', 61, `Training finished ${MADE_AT_MS / 1000}`);
    const inspection = await inspect();
    expect(inspection.layouts).toEqual(['kmol']);
    expect(codes(inspection)).toEqual([]);
    expect(inspection.participants[0]?.spans).toContainEqual({
      activity: 'training',
      round: 1,
      fromMs: at(10),
      toMs: at(50),
      estimated: true,
    });
    expect(inspection.rounds[1]).toMatchObject({ isFinal: true, updates: [] });
  });
});

describe('silence in a run', () => {
  /** What a participant did from round 2 on. Units: seconds from the run's beginning. */
  async function told(name: string) {
    const { participants, ...inspection } = await inspect();
    const spans = participants.find((participant) => participant.name === name)?.spans ?? [];
    return {
      spans: spans
        .filter(({ fromMs }) => fromMs >= at(90))
        .map(({ activity, fromMs, toMs }) => [activity, (fromMs - at(0)) / 1000, (toMs - at(0)) / 1000]),
      inspection,
    };
  }

  it('is not called receiving where nobody says when the model was there', async () => {
    await makeGoodRun(run, ['a', 'b'], 2);
    await run.meta(2, 'a', 128);
    expect((await told('a')).spans).toEqual([
      ['unknown', 90, 108],
      ['training', 108, 128],
      ['uploading', 128, 130],
      ['waiting', 130, 150],
    ]);
  });

  it('is an absence where a killed client says so, and deserves a look', async () => {
    await makeGoodRun(run, ['a', 'b'], 2);
    await run.meta(2, 'a', 128, {
      received_at: isoAt(92),
      attempts: [attempt(92, 95, 'interrupted'), attempt(108, 128, 'trained')],
      absences: [{ from: isoAt(95), to: isoAt(107), how: 'killed' }],
    });
    const { spans, inspection } = await told('a');
    expect(spans).toEqual([
      ['receiving', 90, 92],
      ['training', 92, 95],
      ['absent', 95, 107],
      ['unknown', 107, 108],
      ['training', 108, 128],
      ['uploading', 128, 130],
      ['waiting', 130, 150],
    ]);
    expect(inspection.irregularities).toEqual([
      {
        severity: 'warning',
        code: 'was-killed',
        path: '',
        message: '"a" was cut short and did not run from 2023-01-16 10:12:35 to 2023-01-16 10:12:47',
      },
    ]);
    await run.meta(2, 'a', 128, {
      received_at: isoAt(106),
      absences: [{ from: isoAt(80), to: isoAt(105), how: 'stopped' }],
    });
    const stopped = await told('a');
    expect(stopped.spans.slice(0, 3)).toEqual([
      ['absent', 90, 105],
      ['receiving', 105, 106],
      ['unknown', 106, 108],
    ]);
    expect(stopped.inspection.irregularities).toMatchObject([{ severity: 'note', code: 'was-stopped' }]);
  });

  it('of a server is told from its accounts and from its last sign, each absence once', async () => {
    await makeGoodRun(run, ['a'], 2);
    const absence = { from: isoAt(80), to: isoAt(85), how: 'killed' };
    await run.json('rounds/round_1/server.meta.json', 89, { participants: ['a'], absences: [absence] });
    const sign = { written_at: isoAt(85), next_due_at: isoAt(985), round: 1, participants: ['a'] };
    await run.json('server.status.json', 85, { ...sign, absences: [absence] });
    const { server, irregularities } = await inspect();
    expect(server).toEqual({
      heardAtMs: at(150),
      dueAtMs: null,
      awaited: [],
      absences: [{ fromMs: at(80), toMs: at(85), how: 'killed' }],
    });
    expect(irregularities.map(({ message }) => message)).toEqual([
      'the server was cut short and did not run from 2023-01-16 10:12:20 to 2023-01-16 10:12:25',
    ]);
  });

  it('of a server that should have been heard is a warning, with whom it waited for', async () => {
    await makeGoodRun(run, ['a', 'b'], 1);
    await rm(join(run.folder, 'server_ended.txt'));
    await run.json('server.status.json', 100, {
      written_at: isoAt(100),
      next_due_at: isoAt(700),
      round: 2,
      participants: ['b'],
    });
    const { server, irregularities } = await inspect();
    expect(server).toMatchObject({ heardAtMs: at(100), dueAtMs: at(700), awaited: ['b'] });
    expect(irregularities.map(({ code }) => code)).toEqual(expect.arrayContaining(['server-silent']));
  });

  it('of a participant in an open round is not called training for ever', async () => {
    await makeGoodRun(run, ['a', 'b'], 1);
    await rm(join(run.folder, 'server_ended.txt'));
    await run.heartbeat('a', 100);
    await run.heartbeat('b', 900);
    expect((await told('a')).spans).toEqual([
      ['training', 90, 100],
      ['unknown', 100, 900],
    ]);
    expect((await told('b')).spans).toEqual([['training', 90, 900]]);
  });

  it.each([
    ['not a list', 'yes'],
    ['no times', [{ from: 'yesterday', to: 'today', how: 'killed' }]],
    ['turned round', [{ from: isoAt(9), to: isoAt(3), how: 'killed' }]],
    ['another word', [{ from: isoAt(3), to: isoAt(9), how: '\u001b[31m' }]],
  ])('that is told in a strange way (%s) changes nothing', async (_, absences) => {
    await makeGoodRun(run, ['a'], 2);
    await run.meta(2, 'a', 128, { absences, attempts: absences, received_at: 5 });
    expect((await inspect()).irregularities).toEqual([]);
  });
});

describe('a run that went wrong', () => {
  it('says who was lost in which round, and expects nothing more of it', async () => {
    await makeGoodRun(run, ['a', 'b'], 3);
    for (const round of [2, 3]) {
      await rm(join(run.folder, `rounds/round_${round}/b.pt`));
      await rm(join(run.folder, `rounds/round_${round}/b.meta.json`));
    }
    await run.text('b.lost_connection', 140, 'lost connection on round 2');
    const inspection = await inspect();
    expect(inspection.participants[1]).toMatchObject({ lost: { round: 2, atMs: at(140) }, delivered: 1 });
    expect(inspection.rounds[1]?.updates[1]).toMatchObject({ participant: 'b', status: 'lost' });
    expect(inspection.rounds[2]?.updates.map(({ participant }) => participant)).toEqual(['a']);
    expect(inspection.participants[1]?.spans.at(-1)).toMatchObject({ activity: 'lost', fromMs: at(140) });
    expect(codes(inspection)).toEqual(['participant-lost']);
  });

  it('tells an open round’s pending updates from those that a closed round missed', async () => {
    await makeGoodRun(run, ['a', 'b'], 2);
    await rm(join(run.folder, 'server_ended.txt'));
    await rm(join(run.folder, 'rounds/round_3'), { recursive: true });
    await rm(join(run.folder, 'rounds/round_2/server.meta.json'));
    await rm(join(run.folder, 'rounds/round_1/b.pt'));
    await rm(join(run.folder, 'rounds/round_2/b.pt'));
    const inspection = await inspect();
    expect(inspection.ending.kind).toBe('open');
    expect(inspection.rounds.map(({ updates }) => updates.map(({ status }) => status))).toEqual([
      ['used', 'missing'],
      ['delivered', 'pending'],
    ]);
    expect(codes(inspection)).toEqual(['missing-update', 'no-ending', 'side-file-alone']);
  });

  it('names refused, failed and late updates with the reason', async () => {
    await makeGoodRun(run, ['a', 'b', 'c'], 2);
    await run.json('rounds/round_1/a.refused.json', 75, {
      round: 1,
      participant: 'a',
      reason: 'not-finite',
      message: '"layer.bias" holds NaN',
    });
    await rm(join(run.folder, 'rounds/round_1/b.pt'));
    await run.json('rounds/round_1/b.failed.json', 75, {
      round: 1,
      participant: 'b',
      message: 'exit code 1',
    });
    await run.serverMeta(1, 2, [], 89);
    const inspection = await inspect();
    expect(inspection.rounds[0]?.updates.map(({ status, reason }) => [status, reason])).toEqual([
      ['refused', '"layer.bias" holds NaN'],
      ['failed', 'exit code 1'],
      ['late', null],
    ]);
    expect(codes(inspection)).toEqual(['late-update', 'training-failed', 'update-refused']);
  });

  it('finds checkpoints that do not load or do not match', async () => {
    await makeGoodRun(run, ['a', 'b', 'c'], 1);
    await run.text('rounds/round_1/a.pt', 70, 'no checkpoint');
    await run.model('rounds/round_1/b.pt', 71, smallModel(1, 5));
    const inspection = await inspect();
    expect(inspection.irregularities).toEqual([
      {
        severity: 'error',
        code: 'bad-checkpoint',
        path: 'rounds/round_1/a.pt',
        message: 'the file is not a PyTorch checkpoint',
      },
      {
        severity: 'error',
        code: 'other-model',
        path: 'rounds/round_1/b.pt',
        message: '"layer.weight" has shape [2, 5] where the others have [2, 4]',
      },
    ]);
  });

  it('compares hashes and checksums only when asked to read everything', async () => {
    await makeGoodRun(run, ['a', 'b'], 1);
    expect(codes(await inspect())).toEqual([]);
    const inspection = await inspect({ deep: true });
    expect(codes(inspection)).toEqual(['side-file-differs']);
    expect(inspection.rounds[0]?.updates[0]?.checkpoint?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('tells a late registration, an unanswered claim and a stranger apart', async () => {
    await makeGoodRun(run, ['a', 'b'], 1);
    await run.answer('late', 100, 'Error - Authentication failed... Registration is closed.');
    await run.answer('ghost', 80, '');
    await run.answer('odd', 80, 'perhaps');
    await run.heartbeat('stranger', 80);
    const inspection = await inspect();
    expect(
      Object.fromEntries(inspection.participants.map(({ name, admission }) => [name, admission])),
    ).toEqual({
      a: 'admitted',
      b: 'admitted',
      ghost: 'unanswered',
      late: 'refused',
      odd: 'unreadable',
      stranger: 'never-asked',
    });
    expect(codes(inspection)).toEqual(['malformed-answer', 'refused', 'stranger', 'unanswered']);
  });

  it.each([
    ['Training stop by user', 'stopped-by-user', 'run-stopped'],
    ['Training stop by user\n1673943293.448432', 'stopped-by-user', 'run-stopped'],
    ['Training stopped: no participant is left in round 2\n1673943293.448432', 'failed', 'run-failed'],
    ["[Errno 2] No such file\nTraceback (most recent call last):\n  File 'x'", 'failed', 'run-failed'],
    ['', 'unreadable', 'empty-ending'],
  ] as const)('understands the ending %j', async (text, kind, code) => {
    await makeGoodRun(run, ['a', 'b'], 1);
    await run.text('server_ended.txt', 90, text);
    const inspection = await inspect();
    expect(inspection.ending).toMatchObject({ kind, text });
    expect(codes(inspection)).toContain(code);
  });

  it('names what is missing, what is malformed and what does not belong', async () => {
    await makeGoodRun(run, ['Lab', 'lab'], 3);
    await rm(join(run.folder, 'rounds/round_2'), { recursive: true });
    await run.text('cfg.json', 0, '{"model":');
    await run.text('rounds/round_1/lab.meta.json', 70, '[]');
    await run.text('rounds/notes.txt', 70, 'x');
    await run.text('old/cfg.json', 70, 'x');
    await run.text('.DS_Store', 70, 'x');
    await run.text('rounds/round_3/.lab.pt.0123.mila-tmp', 70, 'x');
    await run.text('authentifications/x_authentification.txt', 70, 'Authenticated - Token 1');
    await run.text('heartbeats/Lab_heartbeat.txt', 70, 'soon');
    await run.text('rounds/round_1/server.agg', 30, 'x');
    const inspection = await inspect();
    expect(codes(inspection)).toEqual([
      'bad-checkpoint',
      'ended-early',
      'half-written',
      'malformed-heartbeat',
      'malformed-side-file',
      'malformed-task',
      'missing-update',
      'name-collision',
      'never-beat',
      'round-missing',
      'system-file',
      'two-layouts',
      'two-starts',
      'unexpected-file',
      'unexpected-folder',
    ]);
  });

  it('is not led astray by times that a copy did not keep', async () => {
    await makeGoodRun(run, ['a', 'b'], 1);
    await run.stamp('rounds/round_1/a.pt', 1e8);
    const touched = await inspect();
    expect(codes(touched)).toEqual(['after-the-end']);
    expect(touched.participants[0]?.spans.at(-1)?.toMs).toBe(at(90));
    await run.stamp('cfg.json', 1e8);
    expect(codes(await inspect())).toEqual(['after-the-end', 'times-not-kept']);
  });

  it('does not read a control file of a gigabyte, nor look into one as a checkpoint for long', async () => {
    await makeGoodRun(run, ['a', 'b'], 1);
    for (const path of [
      'cfg.json',
      'server_ended.txt',
      'authentications/a_authentication.txt',
      'rounds/round_1/a.pt',
    ])
      await truncate(join(run.folder, path), 2 ** 30);
    await appendFile(join(run.folder, 'heartbeats/a_heartbeat.txt'), 'x'.repeat(10_000));
    const inspection = await inspect();
    expect(inspection.irregularityCounts.find(({ code }) => code === 'unreadable-file')?.count).toBe(4);
    expect(codes(inspection)).toContain('bad-checkpoint');
    expect(inspection.task).toBeNull();
  });
});

describe('on a mount', () => {
  const account = (id: string) => ({ id, name: `account ${id}` });
  const stored = (owner: string, seconds: number, sizeBytes: number, writer = owner): StoredFile => ({
    versionId: `v${seconds}`,
    sizeBytes,
    createdBy: account(owner),
    modifiedBy: account(writer),
    receivedAtMs: at(seconds),
  });

  it('does not guess what an answer says that is not on this disk', async () => {
    await makeGoodRun(run, ['a'], 1);
    const claim = (name: string) => `authentications/${name}_authentication.txt`;
    const files = new Map([
      [claim('b'), stored('2', 3, 33)],
      [claim('c'), stored('3', 3, 0)],
    ]);
    const inspection = await inspect({ facts: { files, transfers: [], calls: [], conflicts: [] } });
    expect(inspection.participants.map(({ name, admission }) => [name, admission])).toEqual([
      ['a', 'admitted'],
      ['b', 'unknown'],
      ['c', 'unanswered'],
    ]);
  });

  it('takes times, versions and accounts from the index, and knows files that are kept online-only', async () => {
    await makeGoodRun(run, ['a', 'b'], 1);
    await rm(join(run.folder, 'heartbeats'), { recursive: true });
    const observed = await scanRun(run.folder);
    const size = (path: string) => observed.entries.find((entry) => entry.path === path)?.sizeBytes ?? 0;
    const files = new Map([
      ['authentications/a_authentication.txt', stored('1', 2, size('authentications/a_authentication.txt'))],
      ['authentications/b_authentication.txt', stored('2', 3, size('authentications/b_authentication.txt'))],
      ['heartbeats/a_heartbeat.txt', stored('1', 85, 18)],
      ['heartbeats/b_heartbeat.txt', stored('2', 86, 18)],
      ['rounds/round_1/a.pt', stored('1', 72, size('rounds/round_1/a.pt'))],
      ['rounds/round_1/b.pt', stored('2', 73, size('rounds/round_1/b.pt'), '1')],
    ]);
    const transfer = { op: 'upload-version', path: 'heartbeats/a_heartbeat.txt', sizeBytes: 18 };
    const facts: IndexFacts = {
      files,
      transfers: [
        { ...transfer, atMs: at(20), durationMs: 50, outcome: 'done' },
        { ...transfer, atMs: at(45), durationMs: 50, outcome: 'no route' },
        { ...transfer, atMs: at(85), durationMs: 50, outcome: 'done' },
      ],
      calls: [
        { hourAtMs: at(0), endpoint: 'GET /2.0/events', calls: 4 },
        { hourAtMs: at(0), endpoint: 'GET /2.0/files/:id', calls: 6 },
      ],
      conflicts: [],
    };
    const inspection = await inspect({ facts });
    expect(inspection.participants[0]).toMatchObject({
      account: { id: '1' },
      heartbeat: { lastAtMs: at(85), skewMs: null, carried: { count: 2, longestGapMs: 65_000 } },
    });
    expect(inspection.rounds[0]?.updates[0]).toMatchObject({ versionId: 'v72', deliveredAtMs: at(72) });
    expect(inspection.mount).toMatchObject({
      calls: 10,
      byEndpoint: [{ endpoint: 'GET /2.0/files/:id' }, { endpoint: 'GET /2.0/events' }],
      transfers: [{ op: 'upload-version', count: 3, failed: 1, bytes: 36 }],
    });
    expect(inspection.irregularities).toEqual([
      expect.objectContaining({ code: 'foreign-writer', path: 'rounds/round_1/b.pt' }),
    ]);
  });
});
