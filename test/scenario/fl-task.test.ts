import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseAsWritten } from '../../src/fl/config/written-numbers.ts';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

let ground: Playground;
beforeEach(async () => {
  ground = await Playground.open();
});
afterEach(() => ground.close());

const settings = { ...SETTINGS, minimumClients: 1, clientWaitTimeMs: 0, roundsCount: 2 };
const said = (who: string, event: string) =>
  ground.events.flatMap((each) =>
    each.who === who && each.event === event && 'message' in each ? [each.message] : [],
  );

/** Where the only run's task stands. */
function taskPath(): string {
  const created = ground.events.find(({ event }) => event === 'run-created');
  return created?.event === 'run-created' ? join(ground.shared, created.run, 'cfg.json') : '';
}

it('F2: a training program gets the numbers of the task and of the overwrites as they were written', async () => {
  await writeFile(
    join(ground.root, 'task.json'),
    '{"limit_train_batches": 1.0, "seed": 9007199254740993, "z": -0.0}',
  );
  const texts: string[] = [];
  const executor = numberExecutor(1, async ({ configurationPath }) => {
    texts.push(await readFile(configurationPath, 'utf8'));
  });
  const modelOverwrites = parseAsWritten('{"max_features": 1.0}') as Record<string, unknown>;
  await Promise.all([ground.server({ settings }), ground.client('a', { executor, modelOverwrites })]);
  expect(texts).toHaveLength(2);
  for (const literal of [
    '"limit_train_batches": 1.0',
    '"seed": 9007199254740993',
    '"z": -0.0',
    '"max_features": 1.0',
  ])
    expect(texts[0]).toContain(literal);
});

it('F7: a task that is unreadable for a moment is waited for, and the wait is told', async () => {
  const task = await readFile(join(ground.root, 'task.json'));
  const executor = numberExecutor(1, async ({ round }) => {
    if (round === 1) await writeFile(taskPath(), '{"half');
  });
  const run = Promise.all([ground.server({ settings }), ground.client('a', { executor })]);
  await expect
    .poll(() => said('a', 'trouble'), { timeout: 10_000 })
    .toEqual(['the cfg.json of the run holds no JSON object; trying again']);
  await writeFile(taskPath(), task);
  const [outcome] = await run;
  expect(outcome.ending?.kind).toBe('finished');
  expect(said('a', 'task-oddity')).toEqual([]);
});

it('F7: a task that was changed in the middle of a run is told', async () => {
  const executor = numberExecutor(1, async ({ round }) => {
    if (round === 1) await writeFile(taskPath(), '{"epochs": 7}');
  });
  const [outcome] = await Promise.all([ground.server({ settings }), ground.client('a', { executor })]);
  expect(outcome.ending?.kind).toBe('finished');
  expect(said('a', 'task-oddity')).toEqual([
    expect.stringMatching(/^the task of the run was changed since this site began: .*task\.first\.json/),
  ]);
});
