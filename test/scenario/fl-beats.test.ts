import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import { silentLogger } from '../../src/logger.ts';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

let ground: Playground;
beforeEach(async () => {
  ground = await Playground.open();
});
afterEach(() => ground.close());

/** A shared folder, and how many beats were written into it. */
async function counted() {
  const clock = systemClock();
  const plain = await openPlainWorkdir({ root: ground.shared, clock, logger: silentLogger });
  let beats = 0;
  const workdir = {
    ...plain,
    write: async (path: string, content: string | Buffer) => {
      if (path.includes('/heartbeats/')) beats += 1;
      return plain.write(path, content);
    },
  };
  return { workdir, beats: () => beats };
}

it('a client whose configuration says nothing beats three times within what its server waits, and is not lost', async () => {
  const { workdir, beats } = await counted();
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const run = Promise.all([
    ground.server({
      settings: {
        ...SETTINGS,
        roundsCount: 1,
        minimumClients: 1,
        maximumClients: 1,
        heartbeatTimeoutMs: 1_500,
      },
    }),
    ground.client('a', {
      workdir,
      heartbeatFrequencyMs: null,
      executor: numberExecutor(1, () => released),
    }),
  ]);
  // A minute between two beats, as with a server that says nothing, would be longer than this.
  await expect.poll(beats, { timeout: 10_000 }).toBeGreaterThanOrEqual(6);
  release();
  await run;
  expect(ground.eventsOf('server')).not.toContain('participant-lost');
});

it('a client of a server that waits long beats once, and its run costs no second one', async () => {
  const { workdir, beats } = await counted();
  await Promise.all([
    ground.server({
      settings: {
        ...SETTINGS,
        roundsCount: 3,
        minimumClients: 1,
        maximumClients: 1,
        heartbeatTimeoutMs: 2_700_000,
      },
    }),
    ground.client('a', { workdir, heartbeatFrequencyMs: null }),
  ]);
  expect(beats()).toBe(1);
});
