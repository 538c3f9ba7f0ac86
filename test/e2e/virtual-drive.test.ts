import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { MountRig } from '../support/mount-rig.ts';

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

describe('the virtual drive', () => {
  let rig: MountRig;

  const states = async (name: string) => {
    const entries = (await rig.json('ls', '--dir', `m-${name}`)) as { path: string; state: string }[];
    return Object.fromEntries(entries.map(({ path, state }) => [path, state]));
  };

  beforeAll(async () => {
    rig = await MountRig.create();
    await rig.configure('server');
    await rig.configure('ada');
  }, 60_000);

  afterAll(() => rig.destroy());

  it('lists what is here and what is in Box only, while the mount runs and when it does not', async () => {
    const server = await rig.mount('server');
    const ada = await rig.mount('ada');
    await mkdir(rig.path('ada', 'run', 'heartbeats'), { recursive: true });
    await writeFile(rig.path('ada', 'run', 'heartbeats', 'ada_heartbeat.txt'), 'beat');
    await writeFile(rig.path('ada', 'run', 'notes.txt'), 'hello');
    await eventually(async () => {
      const entries = (await rig.json('ls', 'm-server')) as Record<string, unknown>[];
      expect(entries.map(({ path, type, size, state }) => [path, type, size, state])).toEqual([
        ['run', 'folder', null, 'synced'],
        ['run/heartbeats', 'folder', null, 'synced'],
        ['run/heartbeats/ada_heartbeat.txt', 'file', 4, 'online-only'],
        ['run/notes.txt', 'file', 5, 'synced'],
      ]);
      expect(entries[3]).toMatchObject({ sha1: sha1('hello'), etag: '0', created_by: { name: 'ada' } });
      expect(Object.keys(entries[3] ?? {})).toEqual(
        'path id type size sha1 etag version modified_at created_by state'.split(' '),
      );
    });
    server.child.kill('SIGTERM');
    await server.exited;
    await writeFile(rig.path('server', 'run', '.DS_Store'), 'stray');
    expect(await states('server')).toEqual({
      run: 'synced',
      'run/.DS_Store': 'ignored',
      'run/heartbeats': 'synced',
      'run/heartbeats/ada_heartbeat.txt': 'online-only',
      'run/notes.txt': 'synced',
    });
    const long = await rig.run('ls', '--long', rig.path('server', 'run', 'notes.txt'));
    expect(long.stdout).toMatch(/^synced {7} {2,}5 B {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}ada +run\/notes\.txt\n$/);
    const log = (await rig.json('log', 'm-server')) as { op: string; path: string; outcome: string }[];
    expect(log).toContainEqual(expect.objectContaining({ op: 'download', path: 'run/notes.txt', outcome: 'done' }));
    expect(await rig.json('conflicts', 'm-server')).toEqual([]);
    const missing = await rig.run('ls', '--dir', 'm-server', 'run/nothing');
    expect(missing).toMatchObject({ code: 4, stdout: '' });
    expect((await rig.run('ls', 'm-nowhere', '--dir', 'm-nowhere')).code).toBe(4);
    expect((await rig.run('get', rig.path('server', 'run', 'notes.txt'))).stderr).toContain('no mount answers');
    ada.child.kill('SIGTERM');
    await ada.exited;
  }, 90_000);

  it('brings content on demand, gives space back, and never changes anything in Box for it', async () => {
    await rig.mount('server');
    const ada = await rig.mount('ada');
    const before = await rig.inBox();
    const beat = rig.path('server', 'run', 'heartbeats', 'ada_heartbeat.txt');
    expect(existsSync(beat)).toBe(false);
    expect((await rig.run('get', beat)).code).toBe(0);
    expect(await readFile(beat, 'utf8')).toBe('beat');
    expect((await rig.run('evict', '--dir', 'm-server', 'run')).stderr).toContain('2 files in Box only');
    expect(existsSync(beat)).toBe(false);
    expect(existsSync(rig.path('server', 'run', 'notes.txt'))).toBe(false);
    expect(await states('server')).toMatchObject({ 'run/notes.txt': 'online-only' });
    expect(await rig.inBox()).toEqual(before);
    // What was pinned is followed by the next mount too, and a new version stays online-only.
    expect((await rig.run('unmount', 'm-server')).code).toBe(0);
    await writeFile(rig.path('ada', 'run', 'notes.txt'), 'hello again');
    await rig.mount('server');
    await eventually(async () => {
      const [, , , notes] = (await rig.json('ls', 'm-server')) as { sha1: string; state: string }[];
      // The stray file comes first.
      const all = (await rig.json('ls', 'm-server')) as { path: string; sha1: string; state: string }[];
      expect(notes).toBeDefined();
      expect(all.find(({ path }) => path === 'run/notes.txt')).toMatchObject({
        state: 'online-only',
        sha1: sha1('hello again'),
      });
    });
    await rig.json('get', rig.path('server', 'run'));
    expect(await readFile(rig.path('server', 'run', 'notes.txt'), 'utf8')).toBe('hello again');
    expect(await readFile(beat, 'utf8')).toBe('beat');
    ada.child.kill('SIGTERM');
    await ada.exited;
  }, 90_000);

  it('refuses to give back what Box does not have', async () => {
    await rig.run('pause', 'm-server');
    await writeFile(rig.path('server', 'run', 'notes.txt'), 'only here');
    await writeFile(rig.path('server', 'run', 'new.txt'), 'only here too');
    const refused = await rig.run('evict', rig.path('server', 'run', 'notes.txt'));
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('run/notes.txt is not in Box yet');
    await eventually(async () => expect(await states('server')).toMatchObject({ 'run/new.txt': 'uploading' }));
    expect((await rig.run('evict', rig.path('server', 'run', 'new.txt'))).code).toBe(4);
    expect(await readFile(rig.path('server', 'run', 'notes.txt'), 'utf8')).toBe('only here');
    await rig.run('resume', 'm-server');
    await eventually(async () => expect(await rig.inBox()).toMatchObject({ 'run/notes.txt': sha1('only here') }));
  }, 60_000);

  it('lists the versions that Box keeps, and makes an old one current again', async () => {
    const path = rig.path('server', 'run', 'notes.txt');
    await eventually(async () => expect(await states('server')).toMatchObject({ 'run/notes.txt': 'synced' }));
    const versions = (await rig.json('history', path)) as { version: string; current: boolean; sha1: string }[];
    expect(versions.map((each) => each.sha1)).toEqual(['only here', 'hello again', 'hello'].map(sha1));
    expect(versions.map((each) => each.current)).toEqual([true, false, false]);
    const first = versions[2]?.version ?? '';
    expect((await rig.run('restore', path, '--version', first)).code).toBe(0);
    await eventually(async () => expect(await readFile(path, 'utf8')).toBe('hello'));
    expect(((await rig.json('history', path)) as unknown[]).length).toBe(4);
    const unknown = await rig.run('restore', path, '--version', '999');
    expect(unknown.code).toBe(4);
    expect(unknown.stderr).toContain('has no version 999');
  }, 60_000);

  it('never takes content that was given back for content that was deleted, also when killed and mounted otherwise', async () => {
    const before = await rig.inBox();
    await rig.json('evict', rig.path('server', 'run'));
    const statuses = (await rig.json('status', 'm-server')) as { pid: number }[];
    process.kill(statuses[0]?.pid ?? 0, 'SIGKILL');
    await rm(rig.path('server', 'run', 'notes.txt'), { force: true });
    await eventually(async () => expect((await rig.run('status', 'm-server')).code).toBe(4));
    await rig.mount('server', '--profile', 'full', '--exclude', '*.txt');
    expect(await rig.inBox()).toEqual(before);
    expect((await rig.run('unmount', 'm-server')).code).toBe(0);
    await rig.mount('server', '--profile', 'full');
    expect(await rig.inBox()).toEqual(before);
  }, 90_000);
});
