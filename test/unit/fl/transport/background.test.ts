import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/clock.ts';
import { createBackground } from '../../../../src/fl/transport/background.ts';
import { silentLogger } from '../../../../src/logger.ts';

function open() {
  let ends = 0;
  const background = createBackground({
    clock: systemClock(),
    logger: silentLogger,
    onEnd: () => {
      ends += 1;
    },
    onFault: () => {},
    onTrouble: () => {},
  });
  return { background, ends: () => ends };
}

it('does not start again what ended after the look that asks for it had begun', async () => {
  const { background, ends } = open();
  let runs = 0;
  const work = async () => {
    runs += 1;
  };
  background.beginLook();
  background.run('check 1', work);
  await expect.poll(ends).toBe(1);
  // Decided by the same look, and performed only now.
  background.run('check 1', work);
  expect(runs).toBe(1);
  background.beginLook();
  background.run('check 1', work);
  expect(runs).toBe(2);
});
