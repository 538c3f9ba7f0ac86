import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  expect(seen).toEqual({ checking: suspect('x'), unsurvived: [] });
  expect(onDisk()).toEqual({ checking: null, unsurvived: [] });
  await expect(journal.guard(suspect('y'), () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(onDisk()).toEqual({ checking: null, unsurvived: [] });
});

it('checks one after the other, so that the note names the one that is at work', async () => {
  const journal = new CheckJournal(folder);
  const names = await Promise.all(
    ['x', 'y', 'z'].map((name) => journal.guard(suspect(name), async () => onDisk().checking.sha256)),
  );
  expect(names).toEqual(['x', 'y', 'z']);
});

/** A life of the server that ends in the middle of a check. */
async function dieChecking(sha256: string): Promise<void> {
  await new Promise<void>((resolve) => {
    void new CheckJournal(folder).guard(suspect(sha256), () => {
      resolve();
      return hang();
    });
  });
}

it('checks again what two lives of the server did not survive, which may have had any reason', async () => {
  await dieChecking('good');
  await dieChecking('good');
  expect(await new CheckJournal(folder).guard(suspect('good'), async () => 'fine')).toBe('fine');
  // It was survived: the count begins anew.
  await dieChecking('good');
  await dieChecking('good');
  expect(await new CheckJournal(folder).guard(suspect('good'), async () => 'fine')).toBe('fine');
});

it('never checks again what an earlier version of this program refused', async () => {
  writeFileSync(
    join(folder, CHECK_JOURNAL_FILE),
    JSON.stringify({ checking: null, fatal: [suspect('old')] }),
  );
  expect(await new CheckJournal(folder).guard(suspect('old'), hang)).toBeUndefined();
});

it('never checks again what three lives of the server did not survive; other bytes are checked', async () => {
  await dieChecking('deadly');
  await new CheckJournal(folder).guard(suspect('other'), async () => 'fine');
  await dieChecking('deadly');
  await dieChecking('deadly');
  for (let life = 0; life < 2; life += 1) {
    const next = new CheckJournal(folder);
    expect(await next.guard(suspect('deadly'), hang)).toBeUndefined();
    expect(await next.guard(suspect('other'), async () => 'fine')).toBe('fine');
  }
});
