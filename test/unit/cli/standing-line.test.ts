import { expect, it } from 'vitest';
import type { Output } from '../../../src/cli/output.ts';
import { StandingLine } from '../../../src/cli/standing-line.ts';
import type { FederationEvent } from '../../../src/fl/round/event.ts';
import { FakeClock } from '../sync/box/fake-clock.ts';

const MINUTE_MS = 60_000;

function watched(interactive: boolean) {
  const clock = new FakeClock();
  const told: string[] = [];
  const passing: string[] = [];
  const output = {
    interactive,
    note: (words: unknown) => told.push(String(words)),
    passing: (text: string) => passing.push(text),
  } as unknown as Output;
  return { clock, told, passing, line: new StandingLine({ output, clock }) };
}

const waiting = (what: string): FederationEvent => ({
  event: 'waiting',
  what,
  participants: [],
  until: null,
  message: '',
});
const uploaded: FederationEvent = { event: 'uploaded', round: 2, size_bytes: 1, sha256: '' };

it('says on a terminal for how long something is awaited, and every half an hour in a line that stays', async () => {
  const { clock, told, passing, line } = watched(true);
  await clock.advance(5 * MINUTE_MS);
  line.told(uploaded, 'round 2 delivered', true);
  line.told(waiting('aggregate'), 'waiting for the next aggregate', true);
  await clock.advance(12 * MINUTE_MS);
  expect(passing.at(-1)).toBe('(12 min 0 s) waiting for the next aggregate');
  expect(told).toEqual([]);
  await clock.advance(18 * MINUTE_MS);
  expect(told).toEqual(['still, for 30 min 0 s: waiting for the next aggregate']);
  await clock.advance(30 * MINUTE_MS);
  expect(told).toHaveLength(2);
  await clock.advance(59 * MINUTE_MS);
  expect(told).toHaveLength(2);
  await clock.advance(10 * 60 * MINUTE_MS);
  expect(told.map((line) => line.split(':')[0])).toEqual(
    ['30 min 0 s', '1 h 0 min', '2 h 0 min', '4 h 0 min', '8 h 0 min'].map((time) => `still, for ${time}`),
  );
});

it('gives a wait a line that stays once it lasts five seconds, and shows it on a terminal at once', async () => {
  for (const interactive of [true, false]) {
    const { clock, told, passing, line } = watched(interactive);
    line.awaits(waiting('participants'), 'waiting for participants: 1 of 2');
    line.awaits(waiting('participants'), 'waiting for participants: 2 of 2');
    expect(passing.at(-1)).toBe('waiting for participants: 2 of 2');
    await clock.advance(4_900);
    line.told({ event: 'round-started', round: 1 }, 'round 1 begins', true);
    line.awaits(waiting('model'), 'waiting for the model');
    await clock.advance(4_900);
    expect(told).toEqual([]);
    await clock.advance(200);
    expect(told).toEqual(['waiting for the model']);
    line.awaits(waiting('updates'), 'waiting for updates');
    line.close();
    await clock.advance(MINUTE_MS);
    expect(told).toEqual(['waiting for the model']);
  }
});

it('compares a wait and a training with the last one, and names the output of a program', async () => {
  const { clock, told, passing, line } = watched(true);
  const training: FederationEvent = { event: 'training', round: 1, fraction: null };
  line.told({ event: 'training-output', round: 1, path: '/x/training.log' }, '', true);
  line.told(training, 'training round 1', false);
  await clock.advance(30 * MINUTE_MS);
  expect(told).toEqual(['still, for 30 min 0 s: training round 1; its output is in /x/training.log']);
  line.told({ event: 'trained', round: 1, samples: null, metrics: {}, seconds: 1800 }, '', true);
  line.told(uploaded, '', true);
  line.told(waiting('aggregate'), 'waiting for the next aggregate', true);
  await clock.advance(4 * MINUTE_MS);
  line.told({ event: 'round-started', round: 2 }, 'round 2 begins', true);
  line.told({ ...training, round: 2 }, 'training round 2', false);
  await clock.advance(MINUTE_MS);
  expect(passing.at(-1)).toBe('(1 min 0 s; the last took 30 min 0 s) training round 2');
  line.told({ ...uploaded, round: 2 }, '', true);
  line.told(waiting('aggregate'), 'waiting for the next aggregate', true);
  await clock.advance(MINUTE_MS);
  expect(passing.at(-1)).toBe('(1 min 0 s; the last took 4 min 0 s) waiting for the next aggregate');
});

it('says on a pipe only that it still holds', async () => {
  const { clock, told, passing, line } = watched(false);
  line.told(waiting('aggregate'), 'waiting for the next aggregate', true);
  await clock.advance(61 * MINUTE_MS);
  expect(told).toEqual([
    'still, for 30 min 0 s: waiting for the next aggregate',
    'still, for 1 h 0 min: waiting for the next aggregate',
  ]);
  expect(passing).toEqual([]);
});

it('counts from the beginning of the round though others deliver, and of the training though it tells its progress', async () => {
  const { clock, passing, line } = watched(true);
  line.told({ event: 'round-started', round: 1 }, 'round 1 begins', true);
  line.told(waiting('updates'), '0 of 2 delivered', true);
  await clock.advance(4 * MINUTE_MS);
  line.told(waiting('updates'), '1 of 2 delivered', true);
  await clock.advance(MINUTE_MS);
  expect(passing.at(-1)).toBe('(5 min 0 s) 1 of 2 delivered');
  line.told({ event: 'training', round: 1, fraction: 0 }, 'training round 1: 0 %', false);
  await clock.advance(MINUTE_MS);
  line.told({ event: 'training', round: 1, fraction: 0.5 }, 'training round 1: 50 %', false);
  await clock.advance(MINUTE_MS);
  expect(passing.at(-1)).toBe('(2 min 0 s) training round 1: 50 %');
});

it('is silent once the run has ended, and holds no timer', async () => {
  const { clock, told, passing, line } = watched(true);
  line.told(waiting('aggregate'), 'waiting for the next aggregate', true);
  line.told(
    { event: 'ended', reason: '', success: true, message: '', final_model: null },
    'the run finished',
    true,
  );
  await clock.advance(120 * MINUTE_MS);
  expect([told, passing]).toEqual([[], []]);
});
