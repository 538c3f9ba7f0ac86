import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { numberExecutor, Playground, SETTINGS } from '../support/federation.ts';

it('a hundred participants share one folder', { timeout: 180_000 }, async () => {
  const playground = await Playground.open();
  playground.safetyPollMs = 3_000;
  try {
    const count = 100;
    const settings = { ...SETTINGS, roundsCount: 1, minimumClients: count, clientWaitTimeMs: 0 };
    const clients = Array.from({ length: count }, (_, index) =>
      playground.client(`site_${index}`, {
        executor: numberExecutor(index),
        heartbeatFrequencyMs: 10_000,
      }),
    );
    const [outcome] = await Promise.all([playground.server({ settings }), ...clients]);
    expect(outcome.ending?.kind).toBe('finished');
    const run = join(playground.shared, outcome.run);
    expect((await readdir(join(run, 'authentications'))).length).toBe(count);
    expect(
      (await readdir(join(run, 'rounds', 'round_1'))).filter((name) => name.endsWith('.pt')).length,
    ).toBe(count);
    // The mean of 0 to 99.
    expect(Number(await readFile(join(run, 'rounds', 'round_2', 'server.agg'), 'utf8'))).toBe(49.5);
  } finally {
    await playground.close();
  }
});
