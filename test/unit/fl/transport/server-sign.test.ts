import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeEvent } from '../../../../src/cli/federation-text.ts';
import type { FederationEvent } from '../../../../src/fl/round/event.ts';
import { runPaths } from '../../../../src/fl/round/run-folder.ts';
import { createAnnouncer } from '../../../../src/fl/transport/announcer.ts';
import { Lives } from '../../../../src/fl/transport/lives.ts';
import { OwnedFiles } from '../../../../src/fl/transport/owned-files.ts';
import { openPlainWorkdir } from '../../../../src/fl/transport/plain-workdir.ts';
import { parseServerSign, ServerSigns, type SignedStep } from '../../../../src/fl/transport/server-sign.ts';
import { ServerWatch } from '../../../../src/fl/transport/server-watch.ts';
import type { Workdir } from '../../../../src/fl/transport/workdir.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

const RUN = '2026-01-31_09-15-00';
const MINUTE_MS = 60_000;

let root = '';
let clock = new FakeClock();
let workdir: Workdir;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mila-sign-'));
  await mkdir(join(root, RUN, 'rounds', 'round_2'), { recursive: true });
  clock = new FakeClock();
  workdir = await openPlainWorkdir({ root, clock, logger: silentLogger });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const step = (more: Partial<SignedStep> = {}): SignedStep => ({
  phase: { kind: 'collecting', round: 2 },
  awaited: { what: 'updates', participants: ['site_b'], untilMs: null, message: 'waiting for site_b' },
  writesAnyway: false,
  ...more,
});

async function signs() {
  const lives = await Lives.open(join(root, 'results'), clock);
  return new ServerSigns({ workdir, run: RUN, clock, lives, statusFrequencyMs: 10 * MINUTE_MS });
}

async function writtenAt(): Promise<number | undefined> {
  const text = await readFile(join(root, runPaths.status(RUN)), 'utf8').catch(() => undefined);
  return parseServerSign(text)?.writtenAtMs;
}

it('is shown at the start, then only after a silence, and says when the next one is due', async () => {
  const server = await signs();
  const startedMs = clock.now();
  await server.show(step({ writesAnyway: true }));
  expect(await writtenAt()).toBe(startedMs);
  await clock.advance(9 * MINUTE_MS);
  await server.show(step());
  expect(await writtenAt()).toBe(startedMs);
  await server.show(step({ writesAnyway: true }));
  await clock.advance(9 * MINUTE_MS);
  await server.show(step());
  expect(await writtenAt()).toBe(startedMs);
  await clock.advance(MINUTE_MS);
  await server.show(step());
  expect(await writtenAt()).toBe(clock.now());
  const text = await readFile(join(root, runPaths.status(RUN)), 'utf8');
  expect(parseServerSign(text)).toEqual({
    writtenAtMs: clock.now(),
    nextDueAtMs: clock.now() + 10 * MINUTE_MS,
    round: 2,
    participants: ['site_b'],
  });
});

it.each(['', '{', '[]', '{"written_at": "yesterday"}', '{"written_at": 5, "next_due_at": 6}'])(
  'is none in %j',
  (text) => {
    expect(parseServerSign(text)).toBeUndefined();
  },
);

it('takes of a strange one what makes sense', () => {
  const at = '2026-01-31T09:15:00.000Z';
  const text = JSON.stringify({ written_at: at, next_due_at: at, round: 'two', participants: [1, {}], x: 1 });
  expect(parseServerSign(text)).toMatchObject({ round: null, participants: [] });
});

async function looks() {
  const files = new OwnedFiles(workdir, RUN);
  const watch = new ServerWatch(workdir, { run: RUN, files, clock });
  return async () => watch.look(await workdir.list(RUN), 2);
}

it('tells a client when the server was heard, by the client’s own clock, and whom it waited for', async () => {
  const look = await looks();
  expect(await look()).toBeUndefined();
  const server = await signs();
  await server.show(step());
  expect(await look()).toEqual({
    atMs: clock.now(),
    dueAtMs: clock.now() + 10 * MINUTE_MS,
    participants: ['site_b'],
  });
  await clock.advance(3 * MINUTE_MS);
  const heardMs = clock.now() - 3 * MINUTE_MS;
  expect((await look())?.atMs).toBe(heardMs);
  // A round's model tells of the server as well.
  await writeFile(join(root, runPaths.aggregate(RUN, 2)), 'model');
  expect((await look())?.atMs).toBe(clock.now());
});

it('tells a client that begins later when the server wrote, and nothing of another round', async () => {
  const server = await signs();
  await server.show(step({ phase: { kind: 'collecting', round: 1 } }));
  const writtenMs = clock.now();
  await clock.advance(5 * MINUTE_MS);
  const look = await looks();
  expect(await look()).toMatchObject({ atMs: writtenMs, participants: [] });
});

it('makes news of a server that is overdue, and of one that is heard again', async () => {
  const events: FederationEvent[] = [];
  const say = createAnnouncer(clock, (event) => events.push(event));
  const server = { atMs: clock.now(), dueAtMs: clock.now() + 10 * MINUTE_MS, participants: ['site_b'] };
  const wait = (heard: typeof server) =>
    say.awaited({
      what: 'aggregate',
      participants: heard.participants,
      untilMs: null,
      message: 'waiting for the aggregate of round 2',
      server: heard,
    });
  const told = () => describeEvent(events.at(-1) as FederationEvent, clock.now());
  wait(server);
  expect(told()).toMatch(/aggregate of round 2; the server, heard at \d\d:\d\d:\d\d, waited for site_b$/u);
  await clock.advance(11 * MINUTE_MS);
  wait(server);
  expect(events).toHaveLength(1);
  await clock.advance(2 * MINUTE_MS);
  wait(server);
  expect(told()).toMatch(
    /the server was last heard at .* and was due at .*: it may not run; ask whoever runs it$/u,
  );
  wait(server);
  expect(events).toHaveLength(2);
  wait({ ...server, atMs: clock.now(), dueAtMs: clock.now() + 10 * MINUTE_MS });
  expect(told()).toMatch(/heard at .*, waited for site_b$/u);
});
