import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runPaths } from '../../src/fl/round/run-folder.ts';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

let ground: Playground;
beforeEach(async () => {
  ground = await Playground.open();
});
afterEach(() => ground.close());

it('F4: a delivered checkpoint that somebody deletes is delivered again, and said', async () => {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = numberExecutor(3, ({ round }) => (round === 1 ? released : Promise.resolve()));
  const run = Promise.all([
    ground.server({ settings: { ...SETTINGS, roundsCount: 2 } }),
    ground.client('a'),
    ground.client('b', { executor: slow }),
  ]);
  const heard = (who: string, kind: string) =>
    ground.events.filter((event) => event.who === who && event.event === kind);
  await expect.poll(() => heard('server', 'update-received'), { timeout: 10_000 }).toHaveLength(1);
  const created = heard('server', 'run-created')[0];
  const name = created?.event === 'run-created' ? created.run : '';
  // Seen by its own client, too.
  await expect
    .poll(
      () =>
        heard('a', 'waiting').some(
          (event) => 'message' in event && /aggregate of round 1/.test(event.message),
        ),
      {
        timeout: 10_000,
      },
    )
    .toBe(true);
  await rm(join(ground.shared, runPaths.update(name, 1, 'a')));
  await expect.poll(() => heard('server', 'update-received'), { timeout: 10_000 }).toHaveLength(2);
  expect(heard('a', 'trouble')).toMatchObject([
    { message: 'the checkpoint of round 1 is gone from the folder; it is delivered again' },
  ]);
  release();
  const [outcome] = await run;
  expect(outcome.ending?.kind).toBe('finished');
  expect(heard('a', 'trained')).toHaveLength(2);
});
