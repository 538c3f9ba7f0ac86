import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeEvent } from '../../src/cli/federation-text.ts';
import { systemClock } from '../../src/clock.ts';
import { numberExecutor, ONE_ROUND, Playground, SETTINGS } from '../support/federation.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

const waits = (who: string) =>
  playground.events.flatMap((event) => (event.who === who && event.event === 'waiting' ? [event] : []));

it('says where nobody can tell who wrote a file, and is silent where somebody can', async () => {
  const settings = ONE_ROUND;
  await Promise.all([playground.server({ settings }), playground.client('a')]);
  expect(playground.eventsOf('server').filter((event) => event === 'identity-unknown')).toHaveLength(1);
  await Promise.all([playground.server({ settings, writersAreKnown: true }), playground.client('a')]);
  expect(playground.eventsOf('server').filter((event) => event === 'identity-unknown')).toHaveLength(1);
});

it('tells what is awaited, from whom and until when, on both sides', async () => {
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const beganAt = Date.now();
  const stragglers = { deadlineMs: 600_000, share: 1, minimumUpdates: 1 };
  const all = Promise.all([
    playground.server({ settings: { ...SETTINGS, roundsCount: 1, stragglers } }),
    playground.client('fast'),
    playground.client('slow', { executor: numberExecutor(1, () => gate) }),
  ]);
  await expect
    .poll(() => waits('server').at(-1), { timeout: 10_000 })
    .toMatchObject({
      what: 'updates',
      participants: ['slow'],
      message: 'round 1: 1 of 2 delivered; waiting for slow',
    });
  const until = Date.parse(waits('server').at(-1)?.until ?? '');
  expect(until).toBeGreaterThan(beganAt + 590_000);
  expect(until).toBeLessThan(Date.now() + 601_000);
  await expect
    .poll(() => waits('fast').at(-1), { timeout: 10_000 })
    .toMatchObject({ what: 'aggregate', message: 'waiting for the aggregate of round 1' });
  open();
  await all;
  expect(waits('server')[0]).toMatchObject({
    what: 'registration',
    until: null,
    message: expect.stringMatching(/^waiting for participants: \d of at least 2 registered/),
  });
});

it('a client whose server was not heard when it was due says so, and what to do', async () => {
  let laterMs = 0;
  const clock = systemClock();
  const jumping = { ...clock, now: () => clock.now() + laterMs };
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = numberExecutor(3, () => released);
  const run = Promise.all([
    playground.server({ settings: { ...SETTINGS, roundsCount: 1 } }),
    playground.client('a', { clock: jumping }),
    playground.client('b', { executor: slow }),
  ]);
  const waits = () =>
    playground.events.flatMap((event) =>
      event.who === 'a' && event.event === 'waiting' ? [describeEvent(event, 0)] : [],
    );
  await expect
    .poll(waits, { timeout: 10_000 })
    .toContainEqual(expect.stringMatching(/^waiting for the aggregate of round 1; the server.* heard at/));
  // The server shows that it runs every 15 minutes, and that may take two on its way.
  laterMs = 18 * 60_000;
  await expect
    .poll(waits, { timeout: 10_000 })
    .toContainEqual(
      expect.stringMatching(/^waiting for the aggregate of round 1; .* was due at .*: it may not run; ask/),
    );
  release();
  await run;
});
