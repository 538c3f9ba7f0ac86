import { fc, it as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from '../../../../src/sync/box/exact-json.ts';

describe('parseExactJson', () => {
  it('keeps every digit of a 64-bit number', () => {
    expect(parseExactJson('{"next_stream_position":1152922976252290886,"n":5}')).toEqual({
      next_stream_position: '1152922976252290886',
      n: 5,
    });
    expect(parseExactJson('[1152922976252290886,-9223372036854775808]')).toEqual([
      '1152922976252290886',
      '-9223372036854775808',
    ]);
  });

  it('leaves digits in strings, floats and exponents alone', () => {
    const text =
      '{"a":"x 1152922976252290886 \\" 1152922976252290886","b":1.0034576983313123e+14,"c":1234567890123456}';
    expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });

  property.prop([fc.jsonValue()])('agrees with JSON.parse on everything that fits', (value) => {
    const text = JSON.stringify(value);
    const unsafe = /(?<![\d.eE"])\d{16,}/.test(text);
    if (!unsafe) expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });
});
