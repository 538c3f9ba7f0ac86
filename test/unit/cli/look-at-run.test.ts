import { renameSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Look, watchRun } from '../../../src/cli/look-at-run.ts';
import { systemClock } from '../../../src/clock.ts';
import { MadeRun, makeGoodRun } from '../../support/made-run.ts';

let parent = '';
let run: MadeRun;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'watch-run-'));
  run = new MadeRun(join(parent, '2023-01-16_19-11'));
});
afterEach(async () => {
  await rm(parent, { recursive: true, force: true });
});

/** A clock whose rests end at once, and that counts them. */
function restlessClock() {
  const clock = { rests: 0 };
  return {
    ...systemClock(),
    clock,
    after: (_delayMs: number, callback: () => void) => {
      clock.rests += 1;
      const handle = setImmediate(callback);
      return { cancel: () => clearImmediate(handle) };
    },
  };
}

it('looks again only when something changed, and ends with the run', async () => {
  await run.task();
  await run.answer('a', 5);
  const looks: Look[] = [];
  const { clock, ...rest } = restlessClock();
  const onLook = async (look: Look) => {
    looks.push(look);
    const restsBefore = clock.rests;
    if (looks.length > 1) return;
    // The second change is made only after it was seen that nothing happens while nothing changes.
    const change = setInterval(() => {
      if (clock.rests < restsBefore + 5) return;
      clearInterval(change);
      void makeGoodRun(run, ['a'], 1);
    }, 1);
  };
  await watchRun(run.folder, {
    clock: rest,
    checkpoints: 'index',
    signal: new AbortController().signal,
    onLook,
  });
  expect(looks[0]?.inspection).toMatchObject({ ending: { kind: 'open' }, rounds: [] });
  expect(looks.at(-1)?.inspection).toMatchObject({ ending: { kind: 'finished' } });
  expect(clock.rests).toBeGreaterThan(looks.length);
});

it('ends when it is told to', async () => {
  await run.task();
  const stop = new AbortController();
  let looks = 0;
  await watchRun(run.folder, {
    clock: systemClock(),
    checkpoints: 'none',
    signal: stop.signal,
    onLook: () => {
      looks += 1;
      stop.abort();
    },
  });
  expect(looks).toBe(1);
});

describe('a watch that goes on', () => {
  /** Watches until so many looks were told, and returns them. */
  async function watched(count: number, more: object, onLook: (nth: number) => Promise<void>) {
    const looks: Look[] = [];
    const stop = new AbortController();
    const { clock: _rests, ...clock } = restlessClock();
    await watchRun(run.folder, {
      clock,
      checkpoints: 'none',
      signal: stop.signal,
      onLook: async (look) => {
        looks.push(look);
        if (looks.length === count) stop.abort();
        else await onLook(looks.length);
      },
      ...more,
    });
    return { looks };
  }

  it('sees what comes after the end of the run', async () => {
    await makeGoodRun(run, ['a'], 1);
    const { looks } = await watched(2, { pastEnd: true }, () => run.heartbeat('b', 500));
    expect(looks.map(({ inspection }) => inspection.participants.length)).toEqual([1, 2]);
  });

  it('tells an open run anew from time to time, and one that has ended no more', async () => {
    await run.task();
    const { looks } = await watched(3, { refreshMs: 0 }, async (nth) => {
      if (nth === 2) await run.text('server_ended.txt', 9, 'Training finished');
    });
    expect(looks.map(({ inspection }) => inspection.ending.kind)).toEqual(['open', 'open', 'finished']);
  });

  it('says what is in the way, and tells everything once it is gone', async () => {
    await run.task();
    const troubles: string[] = [];
    const onTrouble = (error: unknown) => {
      troubles.push(String(error));
      renameSync(`${run.folder}.away`, run.folder);
    };
    const { looks } = await watched(2, { onTrouble }, () => rename(run.folder, `${run.folder}.away`));
    expect(troubles).toEqual([expect.stringContaining('cannot be listed')]);
    expect(looks[1]?.inspection.task).toBe(looks[0]?.inspection.task);
  });
});
