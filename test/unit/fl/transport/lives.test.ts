import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIVES_FILE, Lives } from '../../../../src/fl/transport/lives.ts';
import { RoundAccounts } from '../../../../src/fl/transport/round-account.ts';
import { FakeClock } from '../../sync/box/fake-clock.ts';

let results = '';
let clock = new FakeClock();
beforeEach(async () => {
  results = await mkdtemp(join(tmpdir(), 'mila-lives-'));
  clock = new FakeClock();
});
afterEach(() => rm(results, { recursive: true, force: true }));

describe('the lives of a program', () => {
  it('tell a kill to ten seconds, and a stop to the moment', async () => {
    const first = await Lives.open(results, clock);
    await first.beat();
    await clock.advance(25_000);
    await first.beat();
    const killedMs = clock.now();
    await clock.advance(5_000);
    await first.beat();
    await clock.advance(60_000);
    const second = await Lives.open(results, clock);
    const restartedMs = clock.now();
    await second.beat();
    await clock.advance(3_000);
    await second.end();
    const stoppedMs = clock.now();
    await clock.advance(90_000);
    const third = await Lives.open(results, clock);
    expect(third.absencesSince(0)).toEqual([
      { fromMs: killedMs, toMs: restartedMs, how: 'killed' },
      { fromMs: stoppedMs, toMs: clock.now(), how: 'stopped' },
    ]);
    expect(third.absencesSince(restartedMs)).toHaveLength(1);
    expect(third.beforeMs).toBe(stoppedMs);
  });

  it('are none at first, and a damaged note costs nothing but itself', async () => {
    expect((await Lives.open(results, clock)).absencesSince(0)).toEqual([]);
    await writeFile(join(results, LIVES_FILE), '{"format": 7');
    const lives = await Lives.open(results, clock);
    expect(lives.absencesSince(0)).toEqual([]);
    await lives.beat();
    expect(JSON.parse(await readFile(join(results, LIVES_FILE), 'utf8')).lives).toHaveLength(1);
  });

  it('are written nowhere when the disk does not take them, without a word', async () => {
    const lives = await Lives.open(join(results, 'lives.json', 'no folder'), clock);
    await writeFile(join(results, 'lives.json'), '');
    await lives.beat();
    await lives.end();
    expect(await readFile(join(results, 'lives.json'), 'utf8')).toBe('');
  });

  it('are not empty where the clock went back', async () => {
    const first = await Lives.open(results, clock);
    await clock.advance(60_000);
    await first.end();
    const earlier = new FakeClock();
    const second = await Lives.open(results, earlier);
    expect(second.absencesSince(0)).toEqual([]);
  });
});

describe('a client’s account of its round', () => {
  const open = async () => {
    const lives = await Lives.open(results, clock);
    await lives.beat();
    return { lives, accounts: new RoundAccounts(results, { clock, lives }) };
  };

  it('tells attempts and absences over a kill', async () => {
    const first = await open();
    const receivedAt = new Date(clock.now()).toISOString();
    await first.accounts.begin(2);
    await clock.advance(20_000);
    await first.lives.beat();
    const killedAt = new Date(clock.now()).toISOString();
    await clock.advance(40_000);
    const second = await open();
    const restartedAt = new Date(clock.now()).toISOString();
    await second.accounts.begin(2);
    await clock.advance(1_000);
    await second.accounts.end('trained');
    expect(await second.accounts.of(2)).toEqual({
      received_at: receivedAt,
      attempts: [
        { from: receivedAt, to: killedAt, outcome: 'interrupted' },
        { from: restartedAt, to: new Date(clock.now()).toISOString(), outcome: 'trained' },
      ],
      absences: [{ from: killedAt, to: restartedAt, how: 'killed' }],
    });
    expect(await second.accounts.of(1)).toBeUndefined();
  });

  it('begins anew with a round, and tells an absence between two rounds', async () => {
    const first = await open();
    await first.accounts.begin(1);
    await first.accounts.end('trained');
    await first.lives.end();
    await clock.advance(30_000);
    const second = await open();
    await second.accounts.begin(2);
    await second.accounts.end('failed');
    const account = await second.accounts.of(2);
    expect(account?.attempts.map(({ outcome }) => outcome)).toEqual(['failed']);
    expect(account?.absences.map(({ how }) => how)).toEqual(['stopped']);
    await clock.advance(1_000);
    await second.accounts.begin(3);
    expect((await second.accounts.of(3))?.absences).toEqual([]);
  });
});
