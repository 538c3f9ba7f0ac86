import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { MountRig, type WatchedMount } from '../support/mount-rig.ts';

const isRoot = process.getuid?.() === 0;
/** A user id that no system knows. */
const NOBODYS_ID = '54321';

let rig: MountRig;
const disks: string[] = [];

beforeEach(async () => {
  rig = await MountRig.create();
  await rig.configure('server');
}, 60_000);

afterEach(async () => {
  // A mount that a test left running holds its disk.
  for (const disk of disks.splice(0)) execFileSync('umount', ['--lazy', disk]);
  await rig.destroy();
});

function homeless(home?: string): NodeJS.ProcessEnv {
  const { XDG_STATE_HOME: _state, HOME: _home, ...environment } = rig.environment();
  return { ...environment, ...(home === undefined ? {} : { HOME: home }) };
}

/** A small disk in a mount directory's place. */
async function smallDisk(name: string, size: string): Promise<string> {
  const disk = join(rig.folder, `m-${name}`);
  await mkdir(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]);
  disks.push(disk);
  return disk;
}

/** Write until the disk takes no byte more. */
function fill(path: string): void {
  for (const length of [65_536, 4_096, 1])
    try {
      for (;;) appendFileSync(path, Buffer.alloc(length, '\n'));
    } catch {
      // Full for pieces of this length.
    }
}

/** A mount that tells its trouble as a note mirrors all the same. */
async function expectMirroring(mount: WatchedMount): Promise<void> {
  await writeFile(rig.path('server', 'cfg.json'), '{}');
  await eventually(async () => expect(Object.keys(await rig.inBox())).toContain('cfg.json'));
  expect(mount.complained()).not.toMatch(/^ {4}at /m);
}

it('with a HOME that cannot be written, a mount says that it is not remembered, mirrors, and stops by its directory', async () => {
  const mount = rig.start('server', { environment: homeless('/dev/null') });
  await mount.ready();
  await eventually(() => expect(mount.complained()).toContain('only by its directory'));
  await expectMirroring(mount);
  expect((await rig.run('unmount', 'm-server')).code).toBe(0);
  expect(await mount.exited).toBe(0);
}, 60_000);

for (const [what, home, words] of [
  ['without HOME', undefined, 'has no home directory'],
  ['with a HOME that does not exist', '/nonexistent/home', 'only by its directory'],
] as const)
  it.runIf(isRoot)(
    `runs for a user that the system does not know, ${what} (as root)`,
    async () => {
      execFileSync('chown', ['-R', NOBODYS_ID, rig.folder]);
      const through = ['setpriv', '--reuid', NOBODYS_ID, '--clear-groups'];
      const mount = rig.start('server', { through, environment: homeless(home) });
      await mount.ready();
      await eventually(() => expect(mount.complained()).toContain(words));
      await expectMirroring(mount);
      mount.child.kill('SIGTERM');
      expect(await mount.exited).toBe(130);
    },
    60_000,
  );

it('without a place for its control socket, a mount says so and mirrors', async () => {
  // A path too long for a socket, and no folder for temporary files.
  const name = `server-${'x'.repeat(100)}`;
  await rig.configure(name);
  const environment = rig.environment({ TMPDIR: '/dev/null' });
  const mount = rig.start(name, { environment });
  await mount.ready();
  expect(mount.complained()).toMatch(/commands cannot reach this mount .*kill \d+/);
  await writeFile(rig.path(name, 'cfg.json'), '{}');
  await eventually(async () => expect(Object.keys(await rig.inBox())).toContain('cfg.json'));
  mount.child.kill('SIGTERM');
  expect(await mount.exited).toBe(130);
}, 60_000);

it('with nobody reading what it says, or no room for it, a mount mirrors', async () => {
  const through = ['sh', '-c', 'exec "$@" > /dev/full', 'sh'];
  const mount = rig.start('server', { through });
  await eventually(() => expect(mount.complained()).toContain('standard output cannot be written'));
  mount.child.stderr?.destroy();
  await eventually(async () => expect((await rig.run('status', 'm-server')).stdout).toContain('in-sync'));
  await expectMirroring(mount);
  expect((await rig.run('unmount', 'm-server')).code).toBe(0);
  expect(await mount.exited).toBe(4);
}, 60_000);

it.runIf(isRoot)(
  'a mount whose disk fills up goes on, and its log says what it lacks (as root)',
  async () => {
    await rig.configure('server-other');
    const disk = await smallDisk('server', '16m');
    const mount = rig.start('server');
    await mount.ready();
    const filler = join(disk, 'filler');
    fill(filler);
    // The last page of the log too.
    fill(join(disk, '.mila-sync', 'log.jsonl'));
    const other = await rig.mount('server-other');
    await writeFile(rig.path('server-other', 'model.pt'), Buffer.alloc(200_000, 1));
    await eventually(async () => expect(Object.keys(await rig.inBox())).toContain('model.pt'));
    await eventually(() => expect(mount.complained()).toContain('full'), 30_000);
    await eventually(() => expect(mount.complained()).toContain('lines are dropped'), 30_000);
    expect(mount.child.exitCode).toBeNull();
    expect((await rig.run('status', 'm-server')).code).toBe(0);
    rmSync(filler);
    await rig.run('sync', 'm-server');
    await eventually(() => expect(existsSync(rig.path('server', 'model.pt'))).toBe(true), 60_000);
    const log = join(disk, '.mila-sync', 'log.jsonl');
    await eventually(() => expect(readFileSync(log, 'utf8')).toContain('"dropped":'));
    expect(mount.complained()).not.toMatch(/^ {4}at /m);
    await rig.stop(other);
    mount.child.kill('SIGTERM');
    expect(await mount.exited).toBe(130);
  },
  150_000,
);

it.runIf(isRoot)(
  '--once on a disk that is too small ends with 4 and without a stack (as root)',
  async () => {
    await rig.configure('server-other');
    const other = await rig.mount('server-other');
    for (const name of ['a.pt', 'b.pt', 'c.pt'])
      await writeFile(rig.path('server-other', name), Buffer.alloc(1_000_000, name));
    await eventually(async () => expect(Object.keys(await rig.inBox())).toHaveLength(3), 30_000);
    await smallDisk('server', '1m');
    const once = rig.start('server', { args: ['--once'] });
    expect(await once.exited).toBe(4);
    expect(once.complained()).toContain('full');
    expect(once.complained()).not.toMatch(/^ {4}at /m);
    await rig.stop(other);
  },
  150_000,
);

it.runIf(isRoot)(
  'on a disk without any room, a mount ends with 4 and says what to do (as root)',
  async () => {
    for (const left of [0, 4_096, 16_384, 65_536]) {
      const disk = await smallDisk('server', '1m');
      fill(join(disk, 'filler'));
      writeFileSync(join(disk, 'filler'), Buffer.alloc(1_048_576 - left));
      await mkdir(join(disk, '.mila-sync')).catch(() => undefined);
      writeFileSync(join(disk, '.mila-sync', 'generation'), '');
      const mount = rig.start('server');
      expect(await mount.exited).toBe(4);
      expect(mount.complained()).toMatch(/[Mm]ake room/);
      expect(mount.complained()).not.toMatch(/^ {4}at /m);
      execFileSync('umount', [disks.pop() ?? '']);
      rmSync(disk, { recursive: true });
    }
  },
  120_000,
);

it('a fault that nobody caught ends the mount in order, in one line, with its stack in the log', async () => {
  const faulty = join(rig.folder, 'faulty.mjs');
  await writeFile(
    faulty,
    `process.once('SIGUSR2', () => {
      Promise.reject(new Error('nobody caught this'));
      setTimeout(() => { throw new Error('nor this'); });
    });`,
  );
  const mount = rig.start('server', { nodeArgs: ['--import', faulty] });
  await mount.ready();
  mount.child.kill('SIGUSR2');
  expect(await mount.exited).toBe(1);
  const log = join(rig.folder, 'm-server', '.mila-sync', 'log.jsonl');
  const complaints = mount
    .complained()
    .split('\n')
    .map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''));
  expect(complaints.filter((line) => line.startsWith('error:'))).toEqual([
    `error: a fault of this program: nobody caught this; more is in ${log}`,
  ]);
  expect(mount.complained()).not.toMatch(/^ {4}at /m);
  expect(await readFile(log, 'utf8')).toContain('"error":"nobody caught this","stack":"Error');
  for (const name of ['lock', 'control.sock', 'index.sqlite-wal'])
    expect(existsSync(join(rig.folder, 'm-server', '.mila-sync', name))).toBe(false);
}, 60_000);

it('in a directory that may not be written, a mount says in one line what to do', async () => {
  const directory = join(rig.folder, 'm-server');
  await writeFile(directory, 'a file in the directory’s place');
  const mount = rig.start('server');
  expect(await mount.exited).toBe(4);
  expect(mount.complained()).toContain('a file stands in its place');
  expect(mount.complained()).not.toMatch(/^ {4}at /m);
  if (isRoot) return;
  rmSync(directory);
  await mkdir(directory, { mode: 0o500 });
  const refused = rig.start('server');
  expect(await refused.exited).toBe(4);
  expect(refused.complained()).toContain('must be allowed to write');
  chmodSync(directory, 0o700);
}, 60_000);
