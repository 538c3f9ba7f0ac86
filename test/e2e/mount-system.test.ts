import { spawnSync } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { MountRig } from '../support/mount-rig.ts';

/** Node as a child of its own, for which the system call statx does not exist, as in an old container. */
const WITHOUT_STATX = [
  'strace',
  ...['-D', '-f', '-qq', '--seccomp-bpf', '-o', '/dev/null'],
  ...['-e', 'trace=statx', '-e', 'inject=statx:error=ENOSYS'],
];
/** A name space of users in which few folders may be watched. */
const FEW_WATCHES = [
  ...['unshare', '--user', '--map-root-user', 'sh', '-c'],
  'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"',
  'sh',
];

const works = ([command = '', ...words]: readonly string[]) =>
  spawnSync(command, [...words, process.execPath, '-e', '0']).status === 0;

let rig: MountRig;

beforeEach(async () => {
  rig = await MountRig.create();
  await rig.configure('server');
}, 60_000);

afterEach(() => rig.destroy());

/** Ids of the files in Box by their names. */
async function idsInBox(): Promise<Record<string, string>> {
  const answer = await fetch(`${rig.emulator.url}/_emulator/tree`);
  const { entries } = (await answer.json()) as { entries: Record<string, string>[] };
  const files = entries.filter(({ type, status }) => type === 'file' && status === 'active');
  return Object.fromEntries(files.map(({ path = '', id = '' }) => [path.split('/').slice(3).join('/'), id]));
}

it.runIf(works(WITHOUT_STATX))(
  'where the system does not tell births, renames send nothing anew (with strace)',
  async () => {
    const mount = rig.start('server', { through: WITHOUT_STATX });
    await mount.ready();
    await mkdir(rig.path('server', 'round'));
    for (const name of ['a.txt', 'b.txt', 'c.txt']) await writeFile(rig.path('server', 'round', name), name);
    await eventually(async () => expect(Object.keys(await idsInBox())).toHaveLength(3));
    const before = await idsInBox();
    await rename(rig.path('server', 'round', 'a.txt'), rig.path('server', 'round', 'd.txt'));
    await rename(rig.path('server', 'round'), rig.path('server', 'moved'));
    await eventually(async () =>
      expect(await idsInBox()).toEqual({
        'moved/d.txt': before['round/a.txt'],
        'moved/b.txt': before['round/b.txt'],
        'moved/c.txt': before['round/c.txt'],
      }),
    );
    await rig.stop(mount);
  },
  60_000,
);

it.runIf(works(FEW_WATCHES))(
  'where the system watches no more folders, a mount goes on by looking, and says which limit to raise (with user name spaces)',
  async () => {
    const mount = rig.start('server', { through: FEW_WATCHES });
    await mount.ready();
    for (const name of ['one', 'two', 'three', 'four']) await mkdir(rig.path('server', name));
    const limit = expect.stringContaining('fs.inotify.max_user_watches');
    await eventually(async () =>
      expect(await rig.json('status', 'm-server')).toMatchObject([{ notices: [limit] }]),
    );
    expect(mount.complained()).toContain('fs.inotify.max_user_watches');
    await writeFile(join(rig.path('server', 'four'), 'found.txt'), 'by looking');
    await eventually(async () => expect(await rig.inBox()).toHaveProperty(['four/found.txt']));
    await rig.stop(mount);
  },
  60_000,
);
