import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { CheckpointChecker, DEFAULT_CHECK_LIMITS } from '../../../../src/fl/torch/checkpoint-checker.ts';
import { checkpointFile } from '../../../support/archive-maker.ts';
import { BOMBS } from '../../../support/checkpoint-bombs.ts';
import { MODEL, repeat, rootOf, text } from '../../../support/pickle-assembler.ts';

const folder = mkdtempSync(join(tmpdir(), 'mila-checker-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let checker = new CheckpointChecker();
afterEach(async () => {
  await checker.close();
  checker = new CheckpointChecker();
});

function written(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const good = () => written('good.pt', checkpointFile(rootOf(MODEL)));
/** Within the codec's budget, and some hundred megabytes of objects. */
const large = () =>
  written('large.pt', checkpointFile(rootOf(MODEL, text('x'), '(', repeat(1_000_000, '}NNs'), 't')));

it('finds nothing wrong with a good checkpoint, and says what is with others, in the order of asking', async () => {
  const answers = Promise.all([
    checker.problemOf(good()),
    checker.problemOf(written('no.pt', Buffer.from('not a checkpoint'))),
    ...BOMBS.slice(0, 3).map((bomb, index) => checker.problemOf(written(`bomb${index}.pt`, bomb.make()))),
    checker.problemOf(good()),
  ]);
  expect((await answers).map((answer) => answer?.reason ?? null)).toEqual([
    null,
    'malformed',
    'malformed',
    'malformed',
    'malformed',
    null,
  ]);
});

it('leaves the thread that asks free', async () => {
  const path = large();
  await checker.problemOf(good());
  let longest = 0;
  let last = performance.now();
  const ticks = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await checker.problemOf(path);
  clearInterval(ticks);
  expect(longest).toBeLessThan(500);
});

it('refuses what takes too much memory, and goes on with the next', async () => {
  checker = new CheckpointChecker({ ...DEFAULT_CHECK_LIMITS, heapMegabytes: 64 });
  const problem = await checker.problemOf(large());
  expect(problem).toEqual({
    reason: 'check-exhausted',
    message: 'the check of this checkpoint ran out of memory',
  });
  expect(await checker.problemOf(good())).toBeNull();
});

it('refuses what takes too much time, and goes on with the next', async () => {
  checker = new CheckpointChecker({ heapMegabytes: 512, baseMs: 1, perMegabyteMs: 0 });
  expect(await checker.problemOf(large())).toMatchObject({
    reason: 'check-exhausted',
    message: expect.stringContaining('took longer than'),
  });
});

it('lets go of a check that is called off, and of all when it is closed', async () => {
  const controller = new AbortController();
  const pending = checker.problemOf(large(), controller.signal);
  controller.abort(new Error('stopped'));
  await expect(pending).rejects.toThrow('stopped');
  expect(await checker.problemOf(good())).toBeNull();
  await checker.close();
  await expect(checker.problemOf(good())).rejects.toMatchObject({ code: 'closed' });
});

it('says of a file that is gone what the system says', async () => {
  await expect(checker.problemOf(join(folder, 'gone.pt'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(checker.problemOf(folder)).rejects.toMatchObject({ code: 'checkpoint-unreadable' });
});
