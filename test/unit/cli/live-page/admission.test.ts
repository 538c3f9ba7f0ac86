import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { admit, isSameSecret, newToken } from '../../../../src/cli/live-page/admission.ts';

const GATE = { token: newToken(randomBytes), port: 4711 };
const asked = (url: string, more: object = {}) =>
  admit({ method: 'GET', url, host: '127.0.0.1:4711', ...more }, GATE);

it('makes tokens of 128 bits that stand in an address as they are', () => {
  expect(Buffer.from(GATE.token, 'base64url')).toHaveLength(16);
  expect(encodeURIComponent(GATE.token)).toBe(GATE.token);
  expect(newToken(randomBytes)).not.toBe(GATE.token);
});

it('lets in who knows the token, to the place below it', () => {
  expect(asked(`/${GATE.token}/`)).toEqual({ kind: 'admitted', place: '' });
  expect(asked(`/${GATE.token}/runs/x/events?y=1`)).toEqual({ kind: 'admitted', place: 'runs/x/events' });
  expect(asked(`/${GATE.token}/`, { host: 'localhost:4711' })).toMatchObject({ kind: 'admitted' });
  expect(asked(`/${GATE.token}`)).toEqual({ kind: 'moved', location: `/${GATE.token}/` });
});

it.each([
  '',
  '/',
  '/events',
  '//',
  `/x${GATE.token}/`,
  `/${GATE.token.slice(1)}/`,
  `/?${GATE.token}`,
  '/'.repeat(9000),
])('shows nothing to who does not: %j', (url) => {
  expect(asked(url)).toMatchObject({ kind: 'refused', status: 404 });
});

it.each([
  undefined,
  '',
  'evil.example',
  'evil.example:4711',
  '127.0.0.1',
  '127.0.0.1:4712',
  '127.0.0.1:4711.evil.example',
])('is not fooled by a name for this machine: %s', (host) => {
  expect(asked(`/${GATE.token}/`, { host })).toMatchObject({ kind: 'refused', status: 403 });
});

it('answers no method that changes things, and does not say so to strangers', () => {
  expect(asked(`/${GATE.token}/`, { method: 'POST' })).toMatchObject({ status: 405 });
  expect(asked('/wrong/', { method: 'POST' })).toMatchObject({ status: 404 });
});

it('compares secrets of any lengths', () => {
  expect(isSameSecret('abc', 'abc')).toBe(true);
  expect(isSameSecret('', 'abc')).toBe(false);
  expect(isSameSecret('abcd', 'abc')).toBe(false);
});
