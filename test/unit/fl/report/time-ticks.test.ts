import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { haveRoom, labelsWithRoom, labelText, textWidth } from '../../../../src/fl/report/label-room.ts';
import { timeTicks } from '../../../../src/fl/report/time-ticks.ts';

const FROM_MS = Date.UTC(2023, 0, 16, 10, 11, 7);
const WIDTH = 786;
const SECOND = 1000;
const DAY = 86_400 * SECOND;

function placedTicks(fromMs: number, toMs: number, width: number) {
  return timeTicks({ fromMs, toMs, width }).map(({ atMs, label }) => ({
    text: label,
    middle: ((atMs - fromMs) / (toMs - fromMs)) * width,
  }));
}

describe('marks on an axis of time', () => {
  it.each([
    [30 * SECOND, '10:11:10', '10:11:15'],
    [40 * 60 * SECOND, '10:15', '10:20'],
    [3 * DAY, '12:00', '18:00'],
    [60 * DAY, '19 Jan', '26 Jan'],
    [800 * DAY, 'Apr 2023', 'Jul 2023'],
    [8000 * DAY, '2024', '2026'],
  ])('over %d ms begin with %s, %s', (tookMs, first, second) => {
    const labels = placedTicks(FROM_MS, FROM_MS + tookMs, WIDTH).map(({ text }) => text);
    expect(labels.slice(0, 2)).toEqual([first, second]);
    expect(labels.length).toBeGreaterThanOrEqual(5);
  });

  it('name the day at midnight', () => {
    const labels = placedTicks(FROM_MS, FROM_MS + 3 * DAY, WIDTH).map(({ text }) => text);
    expect(labels).toEqual(expect.arrayContaining(['17 Jan', '18 Jan', '19 Jan']));
  });

  it('are one where there is no time between both ends', () => {
    expect(timeTicks({ fromMs: FROM_MS + 1, toMs: FROM_MS + 3, width: WIDTH })).toEqual([
      { atMs: FROM_MS + 1, label: '10:11:07' },
    ]);
  });

  test.prop([
    fc.integer({ min: 0, max: 4e12 }),
    fc.double({ min: 0, max: 12, noNaN: true }),
    fc.integer({ min: 150, max: 2000 }),
  ])('never touch each other, nor leave the axis', (fromMs, magnitude, width) => {
    const placed = placedTicks(fromMs, fromMs + Math.round(10 ** magnitude) + 1, width);
    expect(placed.length).toBeGreaterThan(0);
    expect(haveRoom(placed, 20)).toBe(true);
    for (const { text, middle } of placed)
      expect(middle + textWidth(text) / 2).toBeLessThanOrEqual(width + 29);
  });
});

describe('labels of a chart', () => {
  test.prop([fc.array(fc.integer({ min: 0, max: 800 }), { maxLength: 80 })])(
    'are shown where they have room, the last one always',
    (places) => {
      const labels = places
        .sort((left, right) => left - right)
        .map((middle, index) => ({ text: String(index), middle }));
      const shown = labels.filter((label) => labelsWithRoom(labels, 6).has(label));
      expect(haveRoom(shown, 6)).toBe(true);
      expect(shown.at(-1)).toBe(labels.at(-1));
    },
  );

  it('keep the end of a long name, by which names differ', () => {
    expect(labelText('participant number 17', 20)).toBe('participant n…ber 17');
    expect(labelText('short', 20)).toBe('short');
    expect([...labelText('x'.repeat(64), 20)]).toHaveLength(20);
  });
});
