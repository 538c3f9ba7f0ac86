import { mkdir, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { MountRig } from '../support/mount-rig.ts';

const isRoot = process.getuid?.() === 0;
const FOREIGN = { pid: 7, startedAt: '1', host: '0a1b2c3d4e5f', scope: 'another boot pid:[1]' };

let rig: MountRig;
let directory: string;
let lock: string;

beforeEach(async () => {
  rig = await MountRig.create();
  await rig.configure('server');
  directory = join(rig.folder, 'm-server');
  lock = join(directory, '.mila-sync', 'lock');
}, 60_000);

afterEach(() => rig.destroy());

/** What starts a command under another host name, and where asked for in a process name space of its own. */
function container(host: string, ...more: string[]): readonly string[] {
  return ['unshare', '--uts', ...more, 'sh', '-c', `hostname ${host}; exec "$@"`, 'sh'];
}

it.runIf(isRoot)(
  'the successor of a killed mount mounts at once under another host name, if it sees the same processes (as root)',
  async () => {
    const first = rig.start('server', { through: container('0a1b2c3d4e5f') });
    await first.ready();
    first.child.kill('SIGKILL');
    await first.exited;
    expect(JSON.parse(await readFile(lock, 'utf8'))).toMatchObject({ host: '0a1b2c3d4e5f' });
    const second = rig.start('server', { through: container('f5e4d3c2b1a0') });
    await second.ready();
    expect(second.complained()).not.toContain('waiting whether');
    await rig.stop(second);
  },
  120_000,
);

it.runIf(isRoot)(
  'the successor of a killed container waits until the lock is not renewed, says so, and mounts by itself (as root)',
  async () => {
    const first = rig.start('server', { through: container('0a1b2c3d4e5f') });
    await first.ready();
    first.child.kill('SIGKILL');
    await first.exited;
    const inside = container('f5e4d3c2b1a0', '--pid', '--fork', '--kill-child', '--mount-proc');
    const second = rig.start('server', { through: inside });
    await second.ready();
    expect(second.complained()).toMatch(
      /waiting whether the mount by process \d+ on 0a1b2c3d4e5f still lives.*rm /,
    );
    second.child.kill('SIGKILL');
    await second.exited;
  },
  120_000,
);

it.runIf(isRoot)(
  'a second container is refused while the first lives, and told which file says so (as root)',
  async () => {
    const first = await rig.mount('server');
    const inside = container('f5e4d3c2b1a0', '--pid', '--fork', '--kill-child', '--mount-proc');
    const second = rig.start('server', { through: inside });
    expect(await second.exited).toBe(4);
    expect(second.complained()).toContain('is mounted already, by process');
    expect(second.complained()).toContain(`rm ${lock}`);
    expect(await rig.json('status', 'm-server')).toMatchObject([{ state: 'in-sync' }]);
    await rig.stop(first);
  },
  120_000,
);

it('status and unmount say who holds a directory from elsewhere, and which file tells it', async () => {
  await mkdir(join(directory, '.mila-sync'), { recursive: true });
  await writeFile(lock, JSON.stringify(FOREIGN));
  for (const command of ['status', 'unmount', 'sync']) {
    const ended = await rig.run(command, 'm-server');
    expect(ended.code).toBe(4);
    expect(ended.stderr).toContain(`${directory} is mounted by process 7 on 0a1b2c3d4e5f`);
    expect(ended.stderr).toContain(`rm ${lock}`);
    expect(ended.stderr).not.toContain('mila-sync mount');
  }
}, 60_000);

it('one text says everywhere that nothing is mounted', async () => {
  const texts = new Set<string>();
  const mount = await rig.mount('server');
  await rig.stop(mount);
  for (const command of [['status'], ['unmount'], ['get'], ['history']]) {
    const [name = ''] = command;
    const target = ['get', 'history'].includes(name) ? join(directory, 'shared', 'runs', 'x') : 'm-server';
    const ended = await rig.run(name, target);
    expect(ended.code).toBe(4);
    texts.add(ended.stderr);
  }
  expect([...texts]).toEqual([
    `error: nothing is mounted at ${directory}\n  Start a mount with: mila-sync mount CONFIG\n`,
  ]);
}, 60_000);

it('a mount whose directory is removed ends in order and says so', async () => {
  const mount = rig.start('server');
  await mount.ready();
  await writeFile(rig.path('server', 'kept.txt'), 'kept');
  await eventually(async () => expect(Object.keys(await rig.inBox())).toEqual(['kept.txt']));
  // The mount writes into it all the while.
  await eventually(() => rm(directory, { recursive: true, force: true }));
  expect(await mount.exited).toBe(4);
  expect(mount.complained()).toContain(`the lock ${lock} was removed`);
  expect(mount.complained()).not.toContain('    at ');
}, 60_000);

it('a mount that was stopped until another took its lock ends in order, and leaves the other’s lock', async () => {
  const mount = rig.start('server');
  await mount.ready();
  mount.child.kill('SIGSTOP');
  await unlink(lock);
  await writeFile(lock, JSON.stringify(FOREIGN));
  mount.child.kill('SIGCONT');
  expect(await mount.exited).toBe(4);
  expect(mount.complained()).toContain('process 7 on 0a1b2c3d4e5f took over the lock');
  expect(JSON.parse(await readFile(lock, 'utf8'))).toEqual(FOREIGN);
}, 60_000);
