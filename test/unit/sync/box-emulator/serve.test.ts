import { describe, expect, it } from 'vitest';
import { parseRange } from '../../../../src/sync/box-emulator/content/serve.ts';

const whole = { kind: 'whole' };
const none = { kind: 'unsatisfiable' };
const part = (start: number, end: number) => ({ kind: 'part', start, end });

describe('parseRange', () => {
  it.each([
    [undefined, 10, whole],
    ['bytes=0-0', 10, part(0, 0)],
    ['bytes=2-', 10, part(2, 9)],
    ['bytes=-3', 10, part(7, 9)],
    ['bytes=-30', 10, part(0, 9)],
    ['bytes=5-99', 10, part(5, 9)],
    ['bytes=10-', 10, none],
    ['bytes=-0', 10, none],
    ['bytes=0-', 0, none],
    ['bytes=5-2', 10, whole],
    ['bytes=-', 10, whole],
    ['bytes=0-1,4-5', 10, whole],
    ['lines=0-1', 10, whole],
  ])('reads %s of %i bytes', (header, size, expected) => {
    expect(parseRange(header, size)).toEqual(expected);
  });
});
