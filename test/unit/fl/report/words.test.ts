import { describe, expect, it } from 'vitest';
import { durationText, roughDurationText, shortNumberText } from '../../../../src/fl/report/quantities.ts';
import { tableTimes } from '../../../../src/fl/report/table-times.ts';
import { withoutUnixTimes } from '../../../../src/fl/report/unix-times.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const AT = Date.UTC(2026, 10, 28, 21, 7, 14);

describe('Unix times in words of others', () => {
  it.each([
    ['Training finished 1795786034.078', 'Training finished 2026-11-27 13:27:14 UTC'],
    ['boom\n1795786034', 'boom\n2026-11-27 13:27:14 UTC'],
    ['lost (1795786034.5)', 'lost (2026-11-27 13:27:14 UTC)'],
    ['first 1795786034\nsecond', 'first 2026-11-27 13:27:14 UTC\nsecond'],
  ])('become times: %j', (text, words) => {
    expect(withoutUnixTimes(text)).toBe(words);
  });
  it.each([
    '1795786034 bytes here, 12 in the shared folder',
    'Token 23118091987',
    'version_1795786034',
    'id 17957860345',
    '9995786034',
  ])('are not seen where there are none: %j', (text) => {
    expect(withoutUnixTimes(text)).toBe(text);
  });
});

describe('times of a table', () => {
  it('are without what all of them share', () => {
    const day = tableTimes([AT, null, AT + MINUTE]);
    expect([day.note, day.text(AT), day.text(null)]).toEqual(['times in UTC, 2026-11-28', '21:07:14', '–']);
    const year = tableTimes([AT, AT - 30 * 24 * HOUR]);
    expect([year.note, year.text(AT)]).toEqual(['times in UTC, 2026', '11-28 21:07']);
    const years = tableTimes([AT, AT - 366 * 24 * HOUR]);
    expect([years.note, years.text(AT)]).toEqual(['times in UTC', '2026-11-28 21:07']);
    expect(tableTimes([null]).text(null)).toBe('–');
  });
});

describe('quantities', () => {
  it.each([
    [59_999, '59 s'],
    [42 * MINUTE, '42 min'],
    [3 * HOUR, '3 h'],
    [3 * HOUR + 20 * MINUTE, '3 h 20 min'],
    [72 * HOUR, '3 d'],
    [76 * HOUR, '3 d 4 h'],
  ])('%d ms are roughly %s', (ms, words) => {
    expect(roughDurationText(ms)).toBe(words);
  });
  it('never have 24 hours beside a number of days', () => {
    expect(durationText(72 * HOUR - MINUTE)).toBe('3 d 0 h');
  });
  it.each([
    [0.09812, '0.0981'],
    [12.345, '12.3'],
    [4321.5, '4322'],
    [3, '3'],
    [0.0000123, '0.0000123'],
  ])('%d is %s', (value, words) => {
    expect(shortNumberText(value)).toBe(words);
  });
});
