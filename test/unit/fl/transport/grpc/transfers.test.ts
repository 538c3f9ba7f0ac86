import { expect, it } from 'vitest';
import { TransferSlots } from '../../../../../src/fl/transport/grpc/transfer-slots.ts';
import { Transfers } from '../../../../../src/fl/transport/grpc/transfers.ts';
import { FakeClock } from '../../../sync/box/fake-clock.ts';

const RATE = 64_000;

async function started(slots: TransferSlots, timeoutMs = 3_600_000) {
  const clock = new FakeClock();
  const transfers = new Transfers({ slots, clock, timeoutMs, leastBytesPerSecond: RATE, windowMs: 60_000 });
  const transfer = transfers.reserve('a')!;
  const cuts: string[] = [];
  await transfer.start({ isGone: () => false, onTooSlow: (why) => void cuts.push(why) });
  transfer.watchPace();
  return { clock, transfers, transfer, cuts };
}

it('keeps whoever moves fast enough until the whole time is over', async () => {
  const { clock, transfer, transfers, cuts } = await started(new TransferSlots(1), 300_000);
  for (let second = 0; second < 299; second += 1) {
    transfer.moved(RATE + 1);
    await clock.advance(1_000);
  }
  expect(cuts).toEqual([]);
  expect(transfers.reserve('a')).toBeUndefined();
  await clock.advance(2_000);
  expect(cuts).toEqual(['not over within 300 s (transfer_timeout)']);
  expect(transfers.reserve('a')).toBeDefined();
});

it.each([0, 1, RATE - 1_000])('cuts whoever moves %i bytes a second, once, after a window', async (rate) => {
  const slots = new TransferSlots(1);
  const { clock, transfer, cuts } = await started(slots);
  for (let second = 0; second < 59; second += 1) {
    transfer.moved(rate);
    await clock.advance(1_000);
  }
  expect(cuts).toEqual([]);
  await clock.advance(2_000);
  expect(cuts).toEqual(['slower than 64000 bytes a second over 60 s (transfer_rate_minimum)']);
  expect(slots.taken).toBe(0);
  await clock.advance(200_000);
  expect(cuts).toHaveLength(1);
});

it.each([0, 1, 1_000])('%i bytes a second are too little for as long as others wait', async (rate) => {
  const slots = new TransferSlots(1);
  const { clock, transfer, cuts } = await started(slots);
  const next = slots.acquire(() => false);
  for (let second = 0; second < 11; second += 1) {
    transfer.moved(rate);
    await clock.advance(1_000);
  }
  await next;
  expect(cuts).toEqual([`${rate * 10} bytes in 10 s while others were waiting`]);
});

it('does not count the time after everything has arrived, nor before a slot is there', async () => {
  const slots = new TransferSlots(1);
  const { clock, transfer, transfers, cuts } = await started(slots);
  const second = transfers.reserve('b')!;
  const turn = second.start({ isGone: () => false, onTooSlow: (why) => void cuts.push(`b ${why}`) });
  transfer.arrived();
  transfer.watchPace();
  await clock.advance(7_200_000);
  expect(cuts).toEqual([]);
  transfer.end();
  expect(await turn).toBe(true);
});
