import { readFile, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CorruptError } from '../../src/errors.ts';
import { FINAL_MODEL_FILE } from '../../src/fl/transport/final-model.ts';
import type { CopyModel } from '../../src/fl/transport/start-model.ts';
import { copyNumber, ONE_ROUND, Playground } from '../support/federation.ts';

let ground: Playground;
beforeEach(async () => {
  ground = await Playground.open();
});
afterEach(() => ground.close());

const settings = ONE_ROUND;
/** Copies as usual, but the final model by other means. */
const finalBy =
  (other: CopyModel): CopyModel =>
  (source, output, options) =>
    (output.endsWith(FINAL_MODEL_FILE) ? other : copyNumber)(source, output, options);

it('a client that is told to leave while it copies the final model takes it at its next start', async () => {
  const leave = new AbortController();
  const copyModel = finalBy(async (_, __, { signal }) => {
    leave.abort();
    signal.throwIfAborted();
  });
  const [server, left] = await Promise.all([
    ground.server({ settings }),
    ground.client('a', { copyModel, signal: leave.signal }),
  ]);
  expect([left.run, left.ending, left.finalModel]).toEqual([server.run, null, null]);
  const back = await ground.client('a');
  expect(back.ending?.kind).toBe('finished');
  expect(await readFile(back.finalModel ?? '', 'utf8')).toBe('1');
  // Once it is here, the run is done with.
  const leaveAtOnce = new AbortController();
  const again = ground.client('a', { signal: leaveAtOnce.signal });
  const waits = () =>
    ground.events.flatMap((event) => (event.who === 'a' && event.event === 'waiting' ? [event.message] : []));
  await expect.poll(waits, { timeout: 10_000 }).toContainEqual(expect.stringContaining('has ended; waiting'));
  leaveAtOnce.abort();
  expect((await again).run).toBeNull();
});

it('a final model that is none is told, and the run has ended well all the same', async () => {
  const copyModel = finalBy(async () => {
    throw new CorruptError({ code: 'malformed', message: 'it is no model' });
  });
  const [, client] = await Promise.all([ground.server({ settings }), ground.client('a', { copyModel })]);
  expect([client.ending?.kind, client.finalModel]).toEqual(['finished', null]);
  expect(ground.events.filter(({ who, event }) => who === 'a' && event === 'trouble')).toMatchObject([
    { message: expect.stringMatching(/^the final model cannot be taken along: .*it is no model/) },
  ]);
});

it('a client that is killed while it copies the final model takes it at its next start', async () => {
  const killed = new Error('killed');
  const copyModel = finalBy(async (_, output) => {
    await writeFile(output, 'half');
    throw killed;
  });
  const [, error] = await Promise.all([
    ground.server({ settings }),
    ground.client('a', { copyModel }).catch((reason: unknown) => reason),
  ]);
  expect(error).toBe(killed);
  const back = await ground.client('a');
  expect(await readFile(back.finalModel ?? '', 'utf8')).toBe('1');
});
