import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { UPDATE_SUFFIX } from '../../src/fl/round/run-folder.ts';
import { openPlainWorkdir } from '../../src/fl/transport/plain-workdir.ts';
import type { Workdir } from '../../src/fl/transport/workdir.ts';
import { silentLogger } from '../../src/logger.ts';
import { Playground, SETTINGS } from '../support/federation.ts';

let ground: Playground;
beforeEach(async () => {
  ground = await Playground.open();
});
afterEach(() => ground.close());

/** A folder where every upload waits for a look at its round, and the look's answer for the end of the upload. */
function overtaking(folder: Workdir): { readonly workdir: Workdir; readonly uploads: () => number } {
  let uploads = 0;
  let hint: () => void = () => {};
  let looked: (() => void) | undefined;
  let uploaded: Promise<void> = Promise.resolve();
  const workdir: Workdir = {
    ...folder,
    async list(path) {
      const entries = await folder.list(path);
      if (looked !== undefined && path.includes('/rounds/')) {
        looked();
        looked = undefined;
        await uploaded;
      }
      return entries;
    },
    async writeStream(path, fill) {
      if (!path.endsWith(UPDATE_SUFFIX)) return folder.writeStream(path, fill);
      uploads += 1;
      const look = new Promise<void>((resolve) => {
        looked = resolve;
      });
      let end: () => void = () => {};
      uploaded = new Promise((resolve) => {
        end = resolve;
      });
      hint();
      await look;
      await folder.writeStream(path, fill);
      // Behind everything that the end of this write leads to.
      setImmediate(end);
    },
    async watch(onHint) {
      hint = onHint;
      return folder.watch(onHint);
    },
  };
  return { workdir, uploads: () => uploads };
}

it('delivers an update once, when a look that began before it ends after it', async () => {
  const clock = systemClock();
  const folder = await openPlainWorkdir({
    root: ground.shared,
    clock,
    logger: silentLogger,
    safetyPollMs: 20,
  });
  const { workdir, uploads } = overtaking(folder);
  const settings = { ...SETTINGS, minimumClients: 1, roundsCount: 3 };
  const [outcome] = await Promise.all([ground.server({ settings }), ground.client('a', { workdir })]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(uploads()).toBe(3);
});
