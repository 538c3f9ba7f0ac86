import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import type { ClientResult } from '../../../../src/fl/round/client-state.ts';
import { createBackground } from '../../../../src/fl/transport/background.ts';
import { ClientEffects } from '../../../../src/fl/transport/client-effects.ts';
import type { ClientSession } from '../../../../src/fl/transport/client-transport.ts';
import { EndedTrainings } from '../../../../src/fl/transport/ended-training.ts';
import { Lives } from '../../../../src/fl/transport/lives.ts';
import { silentLogger } from '../../../../src/logger.ts';
import { numberExecutor } from '../../../support/federation.ts';

let results: string;
beforeEach(() => {
  results = mkdtempSync(join(tmpdir(), 'mila-ended-'));
});
afterEach(() => rmSync(results, { recursive: true, force: true }));

/** One life of a client, up to its results: killed before it can store any of them. */
async function oneLife() {
  let trainings = 0;
  const found: ClientResult[] = [];
  const clock = systemClock();
  const silent = { onEnd: () => {}, onFault: () => {}, onTrouble: () => {} };
  const session: Partial<ClientSession> = {
    readTask: async () => Buffer.from('{}'),
    publish: async () => {},
  };
  const effects = new ClientEffects({
    session: session as ClientSession,
    name: 'a',
    results,
    clock,
    lives: await Lives.open(results, clock),
    copyModel: (source, output) => copyFile(source, output),
    executor: numberExecutor(1, async () => {
      trainings += 1;
    }),
    modelOverwrites: {},
    background: createBackground({ clock, logger: silentLogger, ...silent }),
    onResult: (result) => void found.push(result),
    onEvent: () => {},
  });
  return { effects, found, trainings: () => trainings };
}

const train = { kind: 'train', round: 1, source: 'nothing' } as const;

it('a client that is killed when its training has ended does not train again', async () => {
  const first = await oneLife();
  await first.effects.perform(train);
  await expect.poll(() => first.found).toHaveLength(1);
  const second = await oneLife();
  await second.effects.perform(train);
  await expect.poll(() => second.found).toEqual(first.found);
  expect([first.trainings(), second.trainings()]).toEqual([1, 0]);
});

it('trains again once the update was published and another one is wanted', async () => {
  const first = await oneLife();
  await first.effects.perform(train);
  await expect.poll(() => first.found).toHaveLength(1);
  const [trained] = first.found;
  if (trained?.kind !== 'trained') throw new Error('it was not trained');
  await first.effects.perform({ kind: 'publish', update: trained.update });
  await expect.poll(() => first.found.at(-1)?.kind).toBe('published');
  const second = await oneLife();
  await second.effects.perform(train);
  await expect.poll(() => second.found).toHaveLength(1);
  expect(second.trainings()).toBe(1);
});

it('a training that is given up while it is prepared is never begun', async () => {
  const life = await oneLife();
  await life.effects.perform(train);
  await life.effects.perform({ kind: 'abandon-training', round: 1 });
  await expect.poll(() => life.effects.training).toBeNull();
  expect([life.trainings(), life.found]).toEqual([0, []]);
});

it('takes no training of another round, from another model, or whose checkpoint was written since', async () => {
  const checkpointPath = join(results, 'a.pt');
  writeFileSync(checkpointPath, 'model');
  const ended = { round: 2, startSha256: 'x', checkpointPath, samples: 1, metrics: {}, seconds: 1 };
  const trainings = new EndedTrainings(results);
  await trainings.note(ended);
  expect(await trainings.recall(2, 'x')).toEqual(ended);
  expect(await trainings.recall(3, 'x')).toBeUndefined();
  expect(await trainings.recall(2, null)).toBeUndefined();
  writeFileSync(checkpointPath, 'another');
  expect(await trainings.recall(2, 'x')).toBeUndefined();
  rmSync(checkpointPath);
  expect(await trainings.recall(2, 'x')).toBeUndefined();
});
