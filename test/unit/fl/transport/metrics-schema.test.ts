import { expect, it } from 'vitest';
import { METRICS } from '../../../../src/fl/transport/metrics-schema.ts';

it('keeps metrics whose names and values people can read', () => {
  const metrics = { loss: 0.5, 'val/auc: top-5 v1.2': 1, epochs_done: -3 };
  expect(METRICS.parse(metrics)).toEqual(metrics);
});

it.each([
  ['a control character', '\u001b]0;title\u0007'],
  ['a line of its own', 'loss\nsite_b delivered'],
  ['right to left', 'a\u202eb'],
  ['nothing', ''],
  ['too much', 'x'.repeat(65)],
])('leaves out a name with %s', (_, name) => {
  expect(METRICS.parse({ [name]: 1, loss: 2 })).toEqual({ loss: 2 });
});

it('leaves out values that are no finite numbers, and whatever is beyond a hundred', () => {
  expect(
    METRICS.parse({ a: Number.NaN, b: Number.POSITIVE_INFINITY, c: '7', d: null, e: [1], f: 1 }),
  ).toEqual({ f: 1 });
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`m${index}`, index]));
  expect(Object.keys(METRICS.parse(many))).toHaveLength(100);
});

it('has no members but the metrics', () => {
  const parsed = METRICS.parse(JSON.parse('{"__proto__": 1, "constructor": 2}'));
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
});
