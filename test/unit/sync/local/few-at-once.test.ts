import { expect, it } from 'vitest';
import { FewAtOnce } from '../../../../src/sync/local/few-at-once.ts';

it('runs tasks in order, so many at once, and tells when all are done', async () => {
  const few = new FewAtOnce(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  for (let index = 0; index < 5; index += 1)
    few.add(() => {
      begun.push(index);
      return new Promise((resolve) => void ends.push(resolve));
    });
  let isIdle = false;
  const idle = few.idle().then(() => {
    isIdle = true;
  });
  expect(begun).toEqual([0, 1]);
  while (ends.length > 0) {
    expect(isIdle).toBe(false);
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await idle;
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

it('forgets what has not begun', async () => {
  const few = new FewAtOnce(1);
  const begun: number[] = [];
  let end = () => {};
  few.add(() => {
    begun.push(1);
    return new Promise((resolve) => {
      end = resolve;
    });
  });
  few.add(async () => void begun.push(2));
  few.clear();
  end();
  await few.idle();
  expect(begun).toEqual([1]);
});
