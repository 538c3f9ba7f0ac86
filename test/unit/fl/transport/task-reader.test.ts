import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CorruptError, TransientError } from '../../../../src/errors.ts';
import { TaskReader } from '../../../../src/fl/transport/task-reader.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

let results: string;
beforeEach(() => {
  results = mkdtempSync(join(tmpdir(), 'mila-task-'));
});
afterEach(() => rmSync(results, { recursive: true, force: true }));

function open(read: () => Promise<Buffer | undefined>) {
  const clock = new FakeClock();
  const troubles: string[] = [];
  const tasks = new TaskReader({
    read,
    results,
    clock,
    onTrouble: (message) => void troubles.push(message),
    onChange: () => {},
  });
  return { clock, troubles, tasks };
}

/** Let time go by, a second at a time, until something comes of it. */
async function outcomeOf<Value>(clock: FakeClock, work: Promise<Value>) {
  let seconds = 0;
  let done: { readonly value: Value | unknown } | undefined;
  work.then(
    (value) => {
      done = { value };
    },
    (error: unknown) => {
      done = { value: error };
    },
  );
  for (; done === undefined; seconds += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (done === undefined) await clock.advance(1_000);
  }
  return { seconds, value: done?.value };
}

it('waits ten minutes for a task that cannot be read, says why once, and then gives up', async () => {
  const { clock, troubles, tasks } = open(async () => Buffer.from('{"half'));
  const { seconds, value } = await outcomeOf(clock, tasks.take(new AbortController().signal));
  expect(value).toBeInstanceOf(CorruptError);
  expect(seconds).toBeGreaterThan(595);
  expect(troubles).toEqual(['the cfg.json of the run holds no JSON object']);
});

it('tells each reason, and takes the task once it is there', async () => {
  const steps = [
    async () => undefined,
    async () => {
      throw new TransientError({ code: 'offline', message: 'the drive is away' });
    },
    async () => Buffer.from('[]'),
    async () => Buffer.from('{"epochs": 3}'),
  ];
  const { clock, troubles, tasks } = open(async () => steps.shift()?.());
  const { value } = await outcomeOf(clock, tasks.take(new AbortController().signal));
  expect(Object.keys(value as object)).toEqual(['epochs']);
  expect(troubles).toEqual([
    'the cfg.json of the run is not here',
    'the cfg.json of the run cannot be read: the drive is away',
    'the cfg.json of the run holds no JSON object',
  ]);
});

it('ends at once when it is called off', async () => {
  const leave = new AbortController();
  const { clock, tasks } = open(async () => undefined);
  const taken = tasks.take(leave.signal);
  leave.abort(new Error('left'));
  expect((await outcomeOf(clock, taken)).value).toMatchObject({ message: 'left' });
});
