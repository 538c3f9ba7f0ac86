import { describe, expect, it } from 'vitest';
import { selectionFilter, selectionOf, selectionText } from '../../../../src/sync/mount/selection.ts';

const filter = (include: string[], exclude: string[]) => {
  const decide = selectionFilter({ profile: { kind: 'full' }, include, exclude });
  return (path: string, kind: 'file' | 'folder' = 'file') => decide(path.split('/'), kind);
};

describe('a selection', () => {
  it('takes a pattern without a slash at any depth, and one with a slash from the top', () => {
    const decide = filter([], ['*.log', 'run/tmp', '/top.txt']);
    expect(decide('a/b/c.log')).toBe('ignore');
    expect(decide('.hidden.log')).toBe('ignore');
    expect(decide('run/tmp', 'folder')).toBe('ignore');
    expect(decide('run/tmp/deep/x.pt')).toBe('ignore');
    expect(decide('other/run/tmp/x.pt')).toBe('mirror');
    expect(decide('a/b/c.txt')).toBe('mirror');
  });

  it('includes files only, keeps folders open for them, and lets excluding win', () => {
    const decide = filter(['**/*.pt'], ['secret.pt']);
    expect(decide('run', 'folder')).toBe('mirror');
    expect(decide('run/a.pt')).toBe('mirror');
    expect(decide('run/a.txt')).toBe('ignore');
    expect(decide('run/secret.pt')).toBe('ignore');
  });

  it('never lets a pattern bring in what is never mirrored', () => {
    expect(filter(['*'], [])('.DS_Store')).toBe('ignore');
  });

  it('has one text however its patterns are ordered, and is read back from it', () => {
    const profile = { kind: 'client' as const, name: 'ada' };
    const one = { profile, include: ['a', 'b'], exclude: ['c'] };
    expect(selectionText(one)).toBe(selectionText({ ...one, include: ['b', 'a'] }));
    expect(selectionText(one)).not.toBe(selectionText({ ...one, exclude: [] }));
    expect(selectionOf(selectionText(one))).toEqual(one);
    expect(selectionOf(undefined)).toBeUndefined();
  });
});
