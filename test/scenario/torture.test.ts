import { expect, it } from 'vitest';
import { POWERS } from '../torture/power.ts';
import { torture } from '../torture/torture.ts';

it('loses nothing when what befalls real machines befalls real mounts while people write on every side', async () => {
  const options = { mounts: 2, files: 60, seconds: 8, largeMib: 8, seed: 11, powers: POWERS };
  const said: string[] = [JSON.stringify(options)];
  const outcome = await torture({ ...options, say: (text) => said.push(text) });
  expect(outcome.faults, said.join('\n')).toEqual([]);
  expect(Object.keys(outcome.befell).length, said.join('\n')).toBeGreaterThan(2);
  expect(outcome.actions).toBeGreaterThan(20);
  expect(outcome.files).toBeGreaterThan(60);
}, 240_000);
