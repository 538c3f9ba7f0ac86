import { expect, it } from 'vitest';
import { CorruptError } from '../../../../src/errors.ts';
import { DEFAULT_LIMITS } from '../../../../src/fl/torch/limits.ts';
import { PickleDecoder } from '../../../../src/fl/torch/pickle-decoder.ts';

/** `{"model": {name: None}}` in protocol 2. */
const stream = (name: string) => Buffer.from(`\x80\x02}X\x05\0\0\0model}X\x01\0\0\0${name}Nss.`, 'latin1');

it('decodes a stream anew only when it differs from the one before', () => {
  const decoder = new PickleDecoder(DEFAULT_LIMITS);
  const first = decoder.decode(stream('a'));
  expect(decoder.decode(stream('a'))).toBe(first);
  const other = decoder.decode(stream('b'));
  expect(other).not.toBe(first);
  expect(decoder.decode(stream('a'))).toEqual(first);
});

it('judges a model each time it is asked for, also one that it knows', () => {
  const decoder = new PickleDecoder(DEFAULT_LIMITS);
  for (let time = 0; time < 2; time += 1)
    expect(() => decoder.model(decoder.decode(stream('a')))).toThrow(CorruptError);
});

it('keeps nothing of a stream that cannot be decoded', () => {
  const decoder = new PickleDecoder(DEFAULT_LIMITS);
  decoder.decode(stream('a'));
  expect(() => decoder.decode(Buffer.from('\x80\x02i', 'latin1'))).toThrow(CorruptError);
  expect(() => decoder.decode(stream('a'))).not.toThrow();
});
