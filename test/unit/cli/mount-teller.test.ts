import { expect, it } from 'vitest';
import { MountTeller } from '../../../src/cli/mount-teller.ts';
import type { Output } from '../../../src/cli/output.ts';
import { silentLogger } from '../../../src/logger.ts';
import { FakeClock } from '../sync/box/fake-clock.ts';

const MINUTE_MS = 60_000;

function teller() {
  const clock = new FakeClock();
  const told: string[] = [];
  const logged: unknown[] = [];
  const output = { json: false, interactive: false, note: (words: unknown) => told.push(String(words)) };
  const logger = { ...silentLogger, warn: (fields: unknown) => logged.push(fields) };
  return {
    clock,
    told,
    logged,
    teller: new MountTeller({ output: output as unknown as Output, clock, logger }),
  };
}

it('goes on where a mount cannot be described: telling is a convenience, and an index may be out of reach', async () => {
  const { clock, told, logged, teller: under } = teller();
  let looks = 0;
  under.onState('in-sync');
  under.watch(() => {
    looks += 1;
    throw new Error('the database connection is not open');
  });
  await clock.advance(MINUTE_MS);
  expect(looks).toBeGreaterThan(5);
  expect(() => under.onState('offline')).not.toThrow();
  expect(told).toEqual(['Box is out of reach; trying again']);
  expect(logged).toEqual([{ error: 'the database connection is not open' }]);
});

it('does not look at a mount that has stopped', async () => {
  const { clock, teller: under } = teller();
  let looks = 0;
  under.watch(() => {
    looks += 1;
    throw new Error('not now');
  });
  under.onState('stopped');
  await clock.advance(MINUTE_MS);
  expect(looks).toBe(1);
});
