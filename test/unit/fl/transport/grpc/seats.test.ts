import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Seats } from '../../../../../src/fl/transport/grpc/seats.ts';
import { systemRandom } from '../../../../../src/random.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-seats-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const seat = {
  name: 'a',
  token: 'first',
  address: '127.0.0.1',
  certificate: null,
  fetched: 1,
  closed: false,
};

it('a call that began under an older token changes nothing of the seat that was taken since', async () => {
  const path = join(folder, 'seats.json');
  const seats = await Seats.open(path, systemRandom());
  await seats.put(seat);
  await seats.put({ ...seat, token: 'second', fetched: 0 });
  await seats.change('first', { fetched: 2 });
  expect((await Seats.open(path, systemRandom())).all()).toEqual([{ ...seat, token: 'second', fetched: 0 }]);
});

it('two changes of one seat that were begun together both hold', async () => {
  const path = join(folder, 'seats.json');
  const seats = await Seats.open(path, systemRandom());
  await seats.put(seat);
  await Promise.all([seats.change('first', { closed: true }), seats.change('first', { fetched: 2 })]);
  expect((await Seats.open(path, systemRandom())).all()).toEqual([{ ...seat, fetched: 2, closed: true }]);
});
