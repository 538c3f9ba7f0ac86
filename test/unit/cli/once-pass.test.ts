import { expect, it } from 'vitest';
import { OncePass } from '../../../src/cli/once-pass.ts';
import { FakeClock } from '../sync/box/fake-clock.ts';

it('one pass does not wait for ever for room, and says what it lacks', async () => {
  const clock = new FakeClock();
  let stops = 0;
  const once = new OncePass(clock, () => {
    stops += 1;
  });
  once.onState('full');
  await clock.advance(59_000);
  expect(stops).toBe(0);
  await clock.advance(1_000);
  expect(stops).toBe(1);
  expect(() => once.assertFinished()).toThrow('full');
});

it('one pass goes on when there was room meanwhile', async () => {
  const clock = new FakeClock();
  const once = new OncePass(clock, () => expect.unreachable());
  once.onState('full');
  once.onState('syncing');
  await clock.advance(120_000);
  once.assertFinished();
});

it('one pass does not wait for ever for a folder that no server makes', async () => {
  const clock = new FakeClock();
  let stops = 0;
  const once = new OncePass(clock, () => {
    stops += 1;
  });
  once.onState('awaiting-folder');
  await clock.advance(60_000);
  expect(stops).toBe(1);
  expect(() => once.assertFinished()).toThrow(
    expect.objectContaining({
      code: 'unfinished',
      message: expect.stringContaining('the server has not made'),
    }),
  );
});

it('one pass goes on when the server made the folder meanwhile, and then waits for room as long as ever', async () => {
  const clock = new FakeClock();
  let stops = 0;
  const once = new OncePass(clock, () => {
    stops += 1;
  });
  once.onState('awaiting-folder');
  await clock.advance(50_000);
  once.onState('starting');
  once.onState('full');
  await clock.advance(50_000);
  expect(stops).toBe(0);
  await clock.advance(10_000);
  expect(stops).toBe(1);
  expect(() => once.assertFinished()).toThrow('full');
});
