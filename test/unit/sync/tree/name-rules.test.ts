import { expect, it } from 'vitest';
import { foldName, localNameProblem, remoteNameProblem } from '../../../../src/sync/tree/name-rules.ts';

it.each([
  ['', 'empty'],
  ['.', 'reserved'],
  ['..', 'reserved'],
  ['a/b', 'slash'],
  ['a\\b', 'backslash'],
  ['a\nb', 'control-character'],
  ['a ', 'trailing-space'],
  ['x'.repeat(256), 'too-long'],
  ['\ud800', 'not-unicode'],
])('Box refuses %j', (name, reason) => {
  expect(remoteNameProblem(name)).toBe(reason);
});

it.each(['a', ' a', 'a.', 'a:b*?', '日本語.pt', 'x'.repeat(255), '.hidden'])('Box takes %j', (name) => {
  expect(remoteNameProblem(name)).toBeUndefined();
});

it('the disk counts bytes, not characters, and takes no path for a name', () => {
  expect(localNameProblem('é'.repeat(128))).toBe('too-long');
  expect(localNameProblem('é'.repeat(127))).toBeUndefined();
  expect(localNameProblem('../../etc/passwd')).toBe('slash');
  expect(localNameProblem('a\0b')).toBe('control-character');
});

it('folds case and composition, and folding twice changes nothing', () => {
  expect(foldName('Lab.PT')).toBe(foldName('lab.pt'));
  expect(foldName('e\u0301')).toBe(foldName('\u00e9'));
  expect(foldName(foldName('ÀÉ'))).toBe(foldName('ÀÉ'));
});
