import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { randomBelow } from '../../src/random.ts';
import { BOX_HOSTS } from './box-hosts.ts';
import { fakeTimeLibrary } from './clocks.ts';
import { swaps, unmounts } from './disk-powers.ts';
import type { Power, PowerName, Stage } from './power.ts';
import { holds, kills, overtakes } from './process-powers.ts';
import { mountingRefused } from './site-disk.ts';

/** A lock is believed for 35 seconds: a shorter run does not see it taken over. */
const OVERTAKING_FROM_S = 60;

/** One of Box's hosts is out of reach for everybody. */
function hosts({ hosts: all, lastsMaxMs }: Stage): Power {
  return {
    name: 'hosts',
    weight: 3,
    takes: 'network',
    draw(_site, random) {
      const host = BOX_HOSTS[randomBelow(random, BOX_HOSTS.length)] ?? 'api';
      const how = random.next() < 0.5 ? 'refused' : 'silent';
      const forMs = randomBelow(random, lastsMaxMs);
      return {
        what: `${host} is ${how} for ${forMs} ms`,
        async run() {
          await all.cut(host, how);
          await pause(forMs);
          await all.restore(host);
        },
      };
    },
  };
}

/** The clock of a process is set while it runs. */
const clocks: Power = {
  name: 'clocks',
  weight: 2,
  takes: 'clock',
  draw(site, random) {
    const { clock } = site;
    if (clock === undefined) return undefined;
    const face = clock.draw(random);
    return { what: `its clock is set to ${face}`, run: async () => clock.set(face) };
  },
};

/** The powers of these names, with what they act on. */
export function powersOf(names: readonly PowerName[], stage: Stage): readonly Power[] {
  const all = [kills, holds(stage), overtakes(stage), swaps(stage), unmounts(stage), hosts(stage), clocks];
  return all.filter(({ name }) => names.includes(name));
}

/** Which of these powers this machine does not have, and why, in a sentence each. */
export async function missingPowers(
  names: readonly PowerName[],
  seconds: number,
): Promise<ReadonlyMap<PowerName, string>> {
  const missing = new Map<PowerName, string>();
  const mounting = await mountingRefused();
  if (mounting !== undefined) missing.set('unmounts', mounting);
  if (fakeTimeLibrary() === undefined) missing.set('clocks', 'libfaketime is not installed');
  if (seconds < OVERTAKING_FROM_S) missing.set('overtakes', `takes ${OVERTAKING_FROM_S} s at least`);
  else if (process.getuid?.() !== 0)
    missing.set('overtakes', 'only root may start in a name space of its own');
  else if (!existsSync('/usr/bin/unshare')) missing.set('overtakes', 'unshare is not installed');
  return new Map([...missing].filter(([name]) => names.includes(name)));
}
