import { expect, it } from 'vitest';
import { torture } from '../torture/torture.ts';

it('loses nothing when real mounts are killed without warning while people write on every side', async () => {
  const seed = 11;
  const said: string[] = [`seed ${seed}`];
  const outcome = await torture({
    mounts: 2,
    files: 60,
    seconds: 8,
    largeMib: 8,
    seed,
    say: (text) => said.push(text),
  });
  expect(outcome.faults, said.join('\n')).toEqual([]);
  expect(outcome.kills).toBeGreaterThan(1);
  expect(outcome.actions).toBeGreaterThan(20);
  expect(outcome.files).toBeGreaterThan(60);
}, 240_000);
