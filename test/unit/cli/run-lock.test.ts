import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { acquireRunLock } from '../../../src/cli/run-lock.ts';
import { parseClientConfiguration } from '../../../src/fl/config/client-configuration.ts';

it('lets a participant run once, and again when it has stopped', async () => {
  const save_path = await mkdtemp(join(tmpdir(), 'mila-lock-'));
  const configurationOf = (name: string) =>
    parseClientConfiguration(
      {
        name,
        save_path,
        client_type: 'mila.services.clients.BoxClient',
        box_configuration: { shared_dir_name: 'shared', save_path: 'run' },
      },
      'client.json',
    ).configuration;
  try {
    const lock = await acquireRunLock(configurationOf('Site_A'));
    await expect(acquireRunLock(configurationOf('site_a'))).rejects.toMatchObject({
      code: 'already-running',
    });
    const other = await acquireRunLock(configurationOf('site_b'));
    await lock.release();
    await (await acquireRunLock(configurationOf('Site_A'))).release();
    await other.release();
  } finally {
    await rm(save_path, { recursive: true, force: true });
  }
});
