import { expect, it } from 'vitest';
import { parseConfigurationText } from '../../../../src/fl/config/document.ts';
import {
  parseAsWritten,
  stringifyAsWritten,
  withPlainNumbers,
} from '../../../../src/fl/config/written-numbers.ts';

const NUMBERS = ['1.0', '0.0', '-0.0', '9007199254740993', '18446744073709551615', '1e-7', '1E400', '0.10'];

it.each(NUMBERS)('F2: %s stays as it was written', (literal) => {
  const text = `{"a":[${literal}],"b":{"c":${literal}},"d":"${literal}"}`;
  const written = stringifyAsWritten(parseAsWritten(text));
  expect(written.replace(/\s/g, '')).toBe(text);
});

it.each([
  ['overwrites.json', '{"name": "a", "model_overwrites": {"limit": 1.0, "seed": 9007199254740993}}'],
  ['overwrites.yaml', 'name: a\nmodel_overwrites:\n  limit: 1.0\n  seed: 9007199254740993\n'],
])('F2: the overwrites of %s keep their numbers, too', (path, text) => {
  const { model_overwrites: overwrites } = parseConfigurationText(text, path);
  expect(stringifyAsWritten(overwrites).replace(/\s/g, '')).toBe('{"limit":1.0,"seed":9007199254740993}');
});

it('numbers that YAML writes as JSON does not, and everything else, are what they are', () => {
  const text = 'model_overwrites: {hex: 0x10, inf: .inf, on: true, none: null, text: "1.0"}\nother: 1.0';
  const { model_overwrites: overwrites, other } = parseConfigurationText(text, 'a.yaml');
  expect(overwrites).toEqual({ hex: 16, inf: Number.POSITIVE_INFINITY, on: true, none: null, text: '1.0' });
  expect(other).toBe(1);
});

it('gives plain numbers to whoever calculates', () => {
  expect(withPlainNumbers(parseAsWritten('{"a":[1.0,{"b":2}],"c":null,"d":"x","e":true}'))).toEqual({
    a: [1, { b: 2 }],
    c: null,
    d: 'x',
    e: true,
  });
});

it('the last of two equal keys counts, as in Python', () => {
  expect(withPlainNumbers(parseAsWritten('{"a":1,"a":2}'))).toEqual({ a: 2 });
});

it('what lies too deep is refused, or left as it is, and ends no program', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}1${']'.repeat(levels)}`;
  expect(stringifyAsWritten(parseAsWritten(deep(200))).replace(/\s/g, '')).toBe(deep(200));
  expect(() => parseAsWritten(deep(201))).toThrow(/more than 200 deep/);
  expect(() => parseAsWritten(deep(200_000))).toThrow(SyntaxError);
  expect(parseAsWritten('"[[[["')).toBe('[[[[');
  expect(() => withPlainNumbers(JSON.parse(deep(2_000)))).not.toThrow();
});

it.each(['5', '1.0', '[1.0]', '"all"'])(
  'overwrites of %s are a fault that is shown as it stands',
  (found) => {
    const document = parseConfigurationText(`{"model_overwrites": ${found}}`, 'client.json');
    expect(document['model_overwrites']).toEqual(JSON.parse(found));
  },
);
