import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { runFolderName } from '../../src/fl/round/run-folder.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import { findNewestRun } from '../../src/fl/transport/run-choice.ts';
import { silentLogger } from '../../src/logger.ts';
import { ONE_ROUND, Playground } from '../support/federation.ts';

const HOUR_MS = 3_600_000;

let ground: Playground;
beforeEach(async () => {
  ground = await Playground.open();
});
afterEach(() => ground.close());

const settings = ONE_ROUND;
/** A clock that was set back by some hours. */
const late = (hours: number) => {
  const clock = systemClock();
  return { ...clock, now: () => clock.now() - hours * HOUR_MS };
};
const plain = () =>
  openPlainWorkdir({ root: ground.shared, clock: systemClock(), logger: silentLogger, safetyPollMs: 50 });

async function oneRun(overrides: Parameters<Playground['server']>[0] = {}) {
  const [server, client] = await Promise.all([
    ground.server({ settings, ...overrides }),
    ground.client('a', overrides.clock === undefined ? {} : { clock: overrides.clock }),
  ]);
  return { server, client };
}

it('F3: after the clock went back, a new run is found by its clients', async () => {
  const first = await oneRun();
  const second = await oneRun({ clock: late(9) });
  expect(second.server.ending?.kind).toBe('finished');
  expect(second.client.run).not.toBe(first.client.run);
  expect((second.client.run ?? '') > (first.client.run ?? '')).toBe(true);
});

it('F3: a server that was killed goes on with its own run, whatever the clock said of the one before', async () => {
  await oneRun();
  const park = new AbortController();
  const parked = ground.server({ settings, clock: late(9), park: park.signal });
  const created = () => ground.events.flatMap((event) => (event.event === 'run-created' ? [event.run] : []));
  await expect.poll(created, { timeout: 10_000 }).toHaveLength(2);
  park.abort();
  expect((await parked).ending).toBeNull();
  const { server } = await oneRun({ clock: late(9) });
  expect(server.ending?.kind).toBe('finished');
  expect(ground.events.flatMap((event) => (event.event === 'run-resumed' ? [event.run] : []))).toEqual(
    created().slice(1),
  );
});

it('F3: a run that a wrong clock named for next year stands in nobody’s way', async () => {
  const wrong = { ...systemClock(), now: () => Date.now() + 8_760 * HOUR_MS };
  await oneRun({ clock: wrong });
  const { server, client } = await oneRun();
  expect(server.ending?.kind).toBe('finished');
  expect(client.run?.slice(0, 4)).toBe(runFolderName(Date.now()).slice(0, 4));
});

/** A run folder of another server, made by hand. */
async function foreignRun(atMs: number, hasEnded: boolean): Promise<string> {
  const run = runFolderName(atMs);
  await mkdir(join(ground.shared, run), { recursive: true });
  await writeFile(join(ground.shared, run, 'cfg.json'), '{}');
  if (hasEnded) await writeFile(join(ground.shared, run, 'server_ended.txt'), 'Training finished');
  return run;
}

it('F3: an open run goes before one that has ended, unless no clock can have named it later', async () => {
  const now = Date.now();
  const open = await foreignRun(now - HOUR_MS, false);
  await foreignRun(now, true);
  expect(await findNewestRun(await plain(), { nowMs: now })).toEqual({ name: open, ended: false });
});

it('F3: an open run of last week does not go before today’s, which has ended', async () => {
  const now = Date.now();
  await foreignRun(now - 168 * HOUR_MS, false);
  const ended = await foreignRun(now, true);
  expect(await findNewestRun(await plain(), { nowMs: now })).toEqual({ name: ended, ended: true });
});
