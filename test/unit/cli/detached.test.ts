import { afterEach, expect, it, vi } from 'vitest';
import { tellParent, tellParentOfWait } from '../../../src/cli/detached.ts';

const READY = { event: 'ready', dir: '/d', root: '/d/r', pid: 1 } as const;

afterEach(() => vi.unstubAllEnvs());

it('a parent that is gone by the time of the word is no failure', () => {
  vi.stubEnv('MILA_SYNC_DETACHED', '1');
  const words: unknown[] = [];
  const channel = (connected: boolean, send: (word: unknown) => boolean) => ({
    connected,
    send,
    disconnect() {
      throw new Error('closed');
    },
  });
  const closing = channel(true, () => {
    throw new Error('closed');
  });
  const closed = channel(false, (word) => words.push(word) > 0);
  for (const each of [closing, closed]) {
    tellParent(READY, each);
    tellParentOfWait('waiting', each);
  }
  expect(words).toEqual([]);
});
