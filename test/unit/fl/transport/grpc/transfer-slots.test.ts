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

it('counts and keeps nobody who asks and goes, and lets the others keep their places', async () => {
  const slots = new TransferSlots(1);
  const release = await slots.acquire(here);
  const order: string[] = [];
  const take = async (name: string) => {
    const mine = await slots.acquire(here);
    order.push(name);
    mine();
  };
  const first = take('first');
  const gone = Array.from({ length: 50 }, async () => {
    let isGone = false;
    const turn = slots.acquire(() => isGone);
    isGone = true;
    return turn;
  });
  const second = take('second');
  expect(slots.waiting).toBe(2);
  await Promise.all(gone);
  expect(slots.taken).toBe(1);
  release();
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
  expect(slots.taken).toBe(0);
});
