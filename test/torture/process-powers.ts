import { setTimeout as pause } from 'node:timers/promises';
import type { MountProcess } from '../../bench/mount-process.ts';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { randomBelow } from '../../src/random.ts';
import type { Power, Stage } from './power.ts';
import type { Site } from './site.ts';

/** A foreign lock counts for 35 seconds; then the next one mounts, on a busy machine. */
const OVERTAKING_MAX_MS = 90_000;
/** After that, whoever was stopped finds out soon. */
const NOTICING_MAX_MS = 60_000;
/**
 * A process name space of its own, as a container has one: from there no process outside can be seen. What is mounted
 * and unmounted outside is so in it as well.
 */
const CONTAINER = [
  ...['unshare', '--uts', '--pid', '--fork', '--kill-child'],
  ...['sh', '-c', 'hostname successor; exec "$@"', 'sh'],
];

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

/** The process ends without warning; another one starts. */
export const kills: Power = {
  name: 'kills',
  weight: 6,
  takes: 'process',
  draw(site, random) {
    const afterMs = randomBelow(random, 1000);
    return { what: 'killed', run: () => site.restart(afterMs) };
  },
};

/** The process stands still, as on a machine that sleeps. */
export function holds({ lastsMaxMs }: Stage): Power {
  return {
    name: 'holds',
    weight: 2,
    takes: 'process',
    draw(site, random) {
      const forMs = randomBelow(random, lastsMaxMs);
      return {
        what: `stopped for ${forMs} ms`,
        async run() {
          const { pid } = site;
          site.disturbances += 1;
          signal(pid, 'SIGSTOP');
          await pause(forMs);
          signal(pid, 'SIGCONT');
          site.disturbances += 1;
        },
      };
    },
  };
}

/** The process stands still until another one, which cannot see it, has taken its directory; then it goes on. */
export function overtakes(stage: Stage): Power {
  return {
    name: 'overtakes',
    weight: 1,
    takes: 'process',
    draw: (site) => ({ what: 'stopped until another one mounts', run: () => overtake(site, stage) }),
  };
}

async function overtake(site: Site, stage: Stage): Promise<void> {
  const first = site.release();
  if (first === undefined) return;
  signal(first.pid, 'SIGSTOP');
  await site.start({ through: CONTAINER });
  const deadline = Date.now() + OVERTAKING_MAX_MS;
  while (!site.isReady() && Date.now() < deadline) await pause(200);
  const isOvertaken = site.isReady();
  signal(first.pid, 'SIGCONT');
  const end = await Promise.race([first.ended, pause(isOvertaken ? NOTICING_MAX_MS : 0, undefined)]);
  await first.kill();
  if (isOvertaken) judgeFirst(site, stage, end, first);
}

function judgeFirst(site: Site, stage: Stage, end: number | string | undefined, first: MountProcess): void {
  if (end === EXIT.state) return;
  const how = end === undefined ? 'goes on' : `ended by ${end}`;
  stage.fault(`${site.name}: a mount whose lock another one took ${how}: ${first.complaints().slice(-600)}`);
}
