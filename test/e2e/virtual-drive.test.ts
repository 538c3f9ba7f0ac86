import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type MountProcess, MountRig } from '../support/mount-rig.ts';

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

describe('the virtual drive', () => {
  let rig: MountRig;
  let server: MountProcess;
  let ada: MountProcess;
  let beat: string;
  let notes: string;

  const states = async () => {
    const entries = (await rig.json('ls', '--dir', 'm-server')) as { path: string; state: string }[];
    return Object.fromEntries(entries.map(({ path, state }) => [path, state]));
  };

  beforeAll(async () => {
    rig = await MountRig.create();
    await rig.configure('server');
    await rig.configure('ada');
    beat = rig.path('server', 'run', 'heartbeats', 'ada_heartbeat.txt');
    notes = rig.path('server', 'run', 'notes.txt');
    [server, ada] = await Promise.all([rig.mount('server'), rig.mount('ada')]);
    await mkdir(rig.path('ada', 'run', 'heartbeats'), { recursive: true });
    await writeFile(rig.path('ada', 'run', 'notes.txt'), 'hello');
    await writeFile(rig.path('ada', 'run', 'heartbeats', 'ada_heartbeat.txt'), 'beat');
    await eventually(async () => expect(await readFile(notes, 'utf8')).toBe('hello'), 30_000);
  }, 90_000);

  afterAll(() => rig.destroy());

  it('lists what is here and what is in Box only', async () => {
    const entries = await eventually(async () => {
      const all = (await rig.json('ls', 'm-server')) as Record<string, unknown>[];
      expect(all.map(({ path, type, size, state }) => [path, type, size, state])).toEqual([
        ['run', 'folder', null, 'synced'],
        ['run/heartbeats', 'folder', null, 'synced'],
        ['run/heartbeats/ada_heartbeat.txt', 'file', 4, 'online-only'],
        ['run/notes.txt', 'file', 5, 'synced'],
      ]);
      return all;
    }, 30_000);
    expect(entries[3]).toMatchObject({ sha1: sha1('hello'), created_by: { name: 'ada' } });
    expect(Object.keys(entries[3] ?? {})).toEqual(
      'path id type size sha1 etag version modified_at created_by state'.split(' '),
    );
  }, 60_000);

  it('brings content on demand, gives space back, and never changes anything in Box for it', async () => {
    const before = await rig.inBox();
    expect(Object.keys(before).sort()).toEqual(['run/heartbeats/ada_heartbeat.txt', 'run/notes.txt']);
    expect(existsSync(beat)).toBe(false);
    expect(await rig.run('get', beat)).toMatchObject({ code: 0 });
    expect(await readFile(beat, 'utf8')).toBe('beat');
    expect((await rig.run('evict', '--dir', 'm-server', 'run')).stderr).toContain('2 files in Box only');
    expect(existsSync(beat)).toBe(false);
    expect(existsSync(notes)).toBe(false);
    expect(await rig.inBox()).toEqual(before);
  }, 60_000);

  it('keeps to what was asked for after a restart, also for new versions', async () => {
    await rig.stop(server);
    expect((await rig.run('get', notes)).stderr).toContain('nothing is mounted at');
    await writeFile(rig.path('server', 'run', '.DS_Store'), 'stray');
    await writeFile(rig.path('ada', 'run', 'notes.txt'), 'hello again');
    await eventually(async () =>
      expect(await rig.inBox()).toMatchObject({ 'run/notes.txt': sha1('hello again') }),
    );
    server = await rig.mount('server');
    expect(await states()).toEqual({
      run: 'synced',
      'run/.DS_Store': 'ignored',
      'run/heartbeats': 'synced',
      'run/heartbeats/ada_heartbeat.txt': 'online-only',
      'run/notes.txt': 'online-only',
    });
    expect(await rig.run('get', rig.path('server', 'run'))).toMatchObject({ code: 0 });
    expect(await readFile(notes, 'utf8')).toBe('hello again');
    expect(await readFile(beat, 'utf8')).toBe('beat');
  }, 90_000);

  it('refuses to give back what Box does not have', async () => {
    await rig.run('pause', 'm-server');
    await writeFile(notes, 'only here');
    const refused = await rig.run('evict', notes);
    expect(refused).toMatchObject({ code: 4 });
    expect(refused.stderr).toContain('run/notes.txt is not in Box yet');
    expect(await readFile(notes, 'utf8')).toBe('only here');
    await rig.run('resume', 'm-server');
    await eventually(async () =>
      expect(await rig.inBox()).toMatchObject({ 'run/notes.txt': sha1('only here') }),
    );
  }, 60_000);

  it('lists the versions that Box keeps, and makes an old one current again', async () => {
    const versions = (await rig.json('history', notes)) as {
      version: string;
      current: boolean;
      sha1: string;
    }[];
    expect(versions.map((each) => each.sha1)).toEqual(['only here', 'hello again', 'hello'].map(sha1));
    expect(versions.map((each) => each.current)).toEqual([true, false, false]);
    expect(await rig.run('restore', notes, '--version', versions[2]?.version ?? '')).toMatchObject({
      code: 0,
    });
    await eventually(async () => expect(await readFile(notes, 'utf8')).toBe('hello'));
    const unknown = await rig.run('restore', notes, '--version', '999');
    expect(unknown).toMatchObject({ code: 4 });
    expect(unknown.stderr).toContain('has no version 999');
  }, 60_000);

  it('names the file as it is called after an old version with another name was made current', async () => {
    const renamed = rig.path('server', 'run', 'renamed.txt');
    await rename(notes, renamed);
    await eventually(async () => expect(await rig.inBox()).toHaveProperty(['run/renamed.txt']));
    await writeFile(renamed, 'by another name');
    await eventually(async () =>
      expect(await rig.inBox()).toMatchObject({ 'run/renamed.txt': sha1('by another name') }),
    );
    const versions = (await rig.json('history', renamed)) as { version: string; sha1: string }[];
    const oldest = versions.at(-1)?.version ?? '';
    const answer = await rig.run('restore', renamed, '--version', oldest);
    expect(answer).toMatchObject({ code: 0 });
    expect(answer.stderr).toMatch(/run\/notes\.txt stands at version \d+ now/);
    expect(answer.stderr).toContain('it was run/renamed.txt');
    await eventually(async () => expect(await readFile(notes, 'utf8')).toBe('hello'));
    expect(existsSync(renamed)).toBe(false);
    const newest = versions[0]?.version ?? '';
    expect(await rig.json('restore', notes, '--version', newest)).toMatchObject({
      path: 'run/renamed.txt',
      renamed_from: 'run/notes.txt',
      sha1: sha1('by another name'),
    });
    await eventually(async () => expect(await readFile(renamed, 'utf8')).toBe('by another name'));
    await rig.run('restore', renamed, '--version', oldest);
    await eventually(async () => expect(await readFile(notes, 'utf8')).toBe('hello'));
  }, 90_000);

  it('tells what was done, also when no mount runs', async () => {
    await rig.stop(ada);
    await rig.stop(server);
    const log = (await rig.json('log', 'm-server')) as Record<string, unknown>[];
    expect(log).toContainEqual(
      expect.objectContaining({ op: 'download', path: 'run/notes.txt', outcome: 'done' }),
    );
    expect(log).toContainEqual(
      expect.objectContaining({ op: 'evict', path: 'run/notes.txt', outcome: 'done' }),
    );
    expect(await rig.json('conflicts', 'm-server')).toEqual([]);
    const long = await rig.run('ls', '--long', notes);
    expect(long.stdout).toMatch(
      /^synced {7} +5 B {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}ada +run\/notes\.txt\n$/,
    );
    expect(await rig.run('ls', '--dir', 'm-server', 'run/nothing')).toMatchObject({ code: 4, stdout: '' });
  }, 60_000);
});
