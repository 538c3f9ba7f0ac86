import { systemClock } from '../src/clock.ts';
import { silentLogger } from '../src/logger.ts';
import { systemRandom } from '../src/random.ts';
import { readBoxConfiguration } from '../src/sync/box/box-configuration.ts';
import type { BoxStoreOptions } from '../src/sync/box/box-store.ts';

/** The adapter as the service account, not slowed down: what is measured is the machine, not Box's limits. */
export async function storeOptions(keyPath: string): Promise<BoxStoreOptions> {
  return {
    configuration: await readBoxConfiguration(keyPath),
    identity: { kind: 'service-account' },
    clock: systemClock(),
    random: systemRandom(),
    logger: silentLogger,
    limits: { callsPerMinute: 1e9, uploadsPerMinute: 1e9 },
  };
}
