import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CHECK_JOURNAL_FILE } from '../../src/fl/transport/check-journal.ts';
import { eventually } from '../support/eventually.ts';
import { Playground, SETTINGS } from '../support/federation.ts';

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.open();
});
afterEach(() => playground.close());

it('refuses at the next start the update whose check the server did not survive for the third time', {
  timeout: 60_000,
}, async () => {
  const settings = { ...SETTINGS, roundsCount: 1 };
  const park = new AbortController();
  let journal = '';
  const results = join(playground.root, 'server-results');
  const first = playground.server({
    settings,
    park: park.signal,
    inspect: (_path, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  });
  const leave = new AbortController();
  const clients = ['a', 'b'].map((name) => playground.client(name, { signal: leave.signal }).catch(() => {}));
  const runOf = () => playground.events.find(({ event }) => event === 'run-created');
  await eventually(async () => {
    const created = runOf();
    const run = created?.event === 'run-created' ? created.run : '';
    journal = await readFile(join(results, run, CHECK_JOURNAL_FILE), 'utf8');
    expect(JSON.parse(journal).checking).not.toBeNull();
  });
  const { participant } = JSON.parse(journal).checking as { participant: string };
  park.abort();
  const { run } = await first;
  // As a server leaves it that died in the middle, and twice before.
  const { checking } = JSON.parse(journal);
  const left = { checking, unsurvived: [{ ...checking, deaths: 2 }] };
  await writeFile(join(results, run, CHECK_JOURNAL_FILE), JSON.stringify(left));
  const stop = new AbortController();
  const checked: string[] = [];
  const second = playground.server({
    settings,
    stop: stop.signal,
    inspect: async (path) => {
      checked.push(path);
      return null;
    },
  });
  await eventually(() =>
    expect(playground.events).toContainEqual(
      expect.objectContaining({ event: 'update-refused', participant, reason: 'check-crashed' }),
    ),
  );
  expect(checked.some((path) => path.endsWith(`${participant}.pt`))).toBe(false);
  stop.abort();
  leave.abort();
  await Promise.all([second, ...clients]);
});
