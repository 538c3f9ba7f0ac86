import { describe, expect, it } from 'vitest';
import { RawNumber, stringifyJson } from '../../../../src/sync/box-emulator/http/raw-number.ts';

describe('stringifyJson', () => {
  it('writes numbers by their digits, however long', () => {
    expect(stringifyJson({ a: new RawNumber('1152922976252290886'), b: [new RawNumber('1e+14')] })).toBe(
      '{"a":1152922976252290886,"b":[1e+14]}',
    );
  });

  it('takes no text for a number', () => {
    expect(stringifyJson({ a: 'x:12', b: '"1"' })).toBe('{"a":"x:12","b":"\\"1\\""}');
  });
});
