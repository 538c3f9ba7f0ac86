import { expect, it } from 'vitest';
import { TransferSlots } from '../../../../../src/fl/transport/grpc/transfer-slots.ts';

const here = () => false;

it('gives out no more slots than it has, in the order in which they were asked for', async () => {
  const slots = new TransferSlots(2);
  const order: string[] = [];
  const take = async (name: string) => {
    const release = await slots.acquire(here);
    order.push(name);
    return release;
  };
  const [first, second] = [await take('a'), await take('b')];
  const waiting = [take('c'), take('d')];
  expect(slots.taken).toBe(2);
  first();
  first();
  await waiting[0];
  expect(slots.taken).toBe(2);
  expect(order).toEqual(['a', 'b', 'c']);
  second();
  (await waiting[0])?.();
  (await waiting[1])?.();
  expect(order).toEqual(['a', 'b', 'c', 'd']);
  expect(slots.taken).toBe(0);
});

it('passes over whoever is gone when its turn comes', async () => {
  const slots = new TransferSlots(1);
  const release = await slots.acquire(here);
  let isGone = false;
  const gone = slots.acquire(() => isGone);
  const next = slots.acquire(here);
  isGone = true;
  release();
  (await gone)();
  const last = await next;
  expect(slots.taken).toBe(1);
  last();
  expect(slots.taken).toBe(0);
});
