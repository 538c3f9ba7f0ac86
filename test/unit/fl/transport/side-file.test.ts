import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { openPlainWorkdir } from '../../../../src/fl/transport/plain-workdir.ts';
import { readUpdateMeta } from '../../../../src/fl/transport/side-file.ts';
import { silentLogger } from '../../../../src/logger.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'side-file-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function metaWith(metrics: unknown) {
  const meta = { round: 1, samples: 1, sha256: '0'.repeat(64), metrics };
  await writeFile(join(root, 'a.meta.json'), JSON.stringify(meta));
  const workdir = await openPlainWorkdir({ root, clock: systemClock(), logger: silentLogger });
  return readUpdateMeta(workdir, 'a.meta.json');
}

it('takes metrics beside a checkpoint by the same rule as those of a call', async () => {
  const metrics = { loss: 1, '\u001b]0;title\u0007': 2, '=1+1': 3, text: 'x', 'site_b delivered\nx': 4 };
  expect(await metaWith(metrics)).toMatchObject({ metrics: { loss: 1 } });
});

it('keeps a hundred of them at most', async () => {
  const meta = await metaWith(
    Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`m${index}`, 1])),
  );
  expect(Object.keys((meta as { metrics: object }).metrics)).toHaveLength(100);
});
