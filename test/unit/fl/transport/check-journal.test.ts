import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CHECK_JOURNAL_FILE, CheckJournal } from '../../../../src/fl/transport/check-journal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-checks-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const suspect = (sha256: string) => ({ round: 1, participant: 'a', sha256, size_bytes: 5 });
const onDisk = () => JSON.parse(readFileSync(join(folder, CHECK_JOURNAL_FILE), 'utf8'));
const hang = () => new Promise<never>(() => {});

it('notes what is being checked before the check begins, and forgets it however that ends', async () => {
  const journal = new CheckJournal(folder);
  const seen = await journal.guard(suspect('x'), async () => onDisk());
  expect(seen).toEqual({ checking: suspect('x'), fatal: [] });
  expect(onDisk()).toEqual({ checking: null, fatal: [] });
  await expect(journal.guard(suspect('y'), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(onDisk()).toEqual({ checking: null, fatal: [] });
});

it('checks one after the other, so that the note names the one that is at work', async () => {
  const journal = new CheckJournal(folder);
  const names = await Promise.all(
    ['x', 'y', 'z'].map((name) => journal.guard(suspect(name), async () => onDisk().checking.sha256)),
  );
  expect(names).toEqual(['x', 'y', 'z']);
});

it('never checks again what a life of the server did not survive; other bytes are checked', async () => {
  const began = new Promise<void>((resolve) => {
    void new CheckJournal(folder).guard(suspect('deadly'), () => {
      resolve();
      return hang();
    });
  });
  await began;
  for (let life = 0; life < 2; life += 1) {
    const next = new CheckJournal(folder);
    expect(await next.guard(suspect('deadly'), hang)).toBeUndefined();
    expect(await next.guard(suspect('other'), async () => 'fine')).toBe('fine');
  }
});
