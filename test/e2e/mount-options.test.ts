import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { statFacts } from '../../src/sync/local/stat-facts.ts';
import { eventually } from '../support/eventually.ts';
import { MountRig } from '../support/mount-rig.ts';

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

describe('the options of mount', () => {
  let rig: MountRig;
  const own = (name: string, ...names: string[]) => join(rig.folder, `m-${name}`, '.mila-sync', ...names);
  const once = async (name: string, ...args: string[]) => {
    const ended = await rig.run('mount', `${name}.json`, '--once', '--quiet', ...args);
    expect(ended).toMatchObject({ code: 0 });
  };

  beforeAll(async () => {
    rig = await MountRig.create();
    await rig.configure('server');
    await rig.configure('ada');
  }, 60_000);

  afterAll(() => rig.destroy());

  it('--dry-run prints the plan, and touches neither side', async () => {
    const unborn = await rig.json('mount', 'server.json', '--dry-run');
    expect(unborn).toMatchObject({ steps: [], root_missing: true });
    expect(existsSync(join(rig.folder, 'm-server'))).toBe(false);
    const nobody = await rig.run('mount', 'ada.json', '--dry-run');
    expect(nobody).toMatchObject({ code: 3 });
    expect(nobody.stderr).toContain('no app user "ada" yet');
    await once('server');
    await mkdir(rig.path('server', 'run', 'deep'), { recursive: true });
    await writeFile(rig.path('server', 'run', 'deep', 'a.txt'), 'aaa');
    const { mtimeMs } = await stat(own('server', 'index.sqlite'));
    const planned = (await rig.json('mount', 'server.json', '--dry-run')) as { steps: unknown[] };
    expect(planned.steps).toEqual([
      { op: 'make-remote-folder', path: 'run', size: 0 },
      { op: 'make-remote-folder', path: 'run/deep', size: 0 },
      { op: 'upload', path: 'run/deep/a.txt', size: 3 },
    ]);
    expect(await rig.inBox()).toEqual({});
    expect((await stat(own('server', 'index.sqlite'))).mtimeMs).toBe(mtimeMs);
    await once('server');
    expect(await rig.inBox()).toEqual({ 'run/deep/a.txt': sha1('aaa') });
  }, 90_000);

  it('a changed --exclude or --include deletes nothing on either side', async () => {
    await writeFile(rig.path('server', 'run', 'b.log'), 'log');
    await writeFile(rig.path('server', 'run', 'c.bin'), 'bin');
    await once('server', '--exclude', '*.log');
    expect(Object.keys(await rig.inBox()).sort()).toEqual(['run/c.bin', 'run/deep/a.txt']);
    await once('server');
    const all = ['run/b.log', 'run/c.bin', 'run/deep/a.txt'];
    expect(Object.keys(await rig.inBox()).sort()).toEqual(all);
    await rm(rig.path('server', 'run', 'deep', 'a.txt'));
    await once('server', '--include', 'run/*.bin', '--exclude', 'deep');
    expect(Object.keys(await rig.inBox()).sort()).toEqual(all);
    expect(await readdir(rig.path('server', 'run'))).toEqual(['b.log', 'c.bin', 'deep']);
    await once('server');
    expect(Object.keys(await rig.inBox()).sort()).toEqual(all);
    expect(await readFile(rig.path('server', 'run', 'deep', 'a.txt'), 'utf8')).toBe('aaa');
  }, 90_000);

  it('--conflict-copies beside keeps the second copy next to the first', async () => {
    await once('ada');
    await writeFile(rig.path('server', 'run', 'c.bin'), 'of the server');
    await once('server');
    await writeFile(rig.path('ada', 'run', 'c.bin'), 'of ada');
    await once('ada', '--conflict-copies', 'beside');
    const names = (await readdir(rig.path('ada', 'run'))).filter((name) => name.startsWith('c.bin'));
    expect(names).toEqual(['c.bin', expect.stringMatching(/^c\.bin\..*\.conflict$/)]);
    expect(await readFile(rig.path('ada', 'run', 'c.bin'), 'utf8')).toBe('of the server');
    expect(await rig.inBox()).toMatchObject({ [`run/${names[1]}`]: sha1('of ada') });
    expect(await rig.json('conflicts', 'm-ada')).toMatchObject([
      { path: 'run/c.bin', reason: 'edited-on-both-sides', exists: true },
    ]);
  }, 90_000);

  it('verify finds what changed without being written, and --repair brings Box’s content back', async () => {
    const path = rig.path('server', 'run', 'c.bin');
    expect(await rig.json('verify', 'm-server')).toMatchObject({ findings: [] });
    await writeFile(path, 'rotten bytes!');
    const facts = await statFacts(path);
    const index = new Database(own('server', 'index.sqlite'));
    index
      .prepare('UPDATE local_tree SET modified_at_ms = ?, changed_at_ms = ? WHERE name = ?')
      .run(facts?.modifiedAtMs, facts?.changedAtMs, 'c.bin');
    index.close();
    const found = await rig.run('verify', 'm-server', '--json');
    expect(found.code).toBe(4);
    expect(JSON.parse(found.stdout)).toMatchObject({
      findings: [{ path: 'run/c.bin', problem: 'damaged-on-disk' }],
    });
    expect(await rig.json('verify', 'm-server', '--repair')).toMatchObject({ repaired: ['run/c.bin'] });
    await once('server');
    expect(await readFile(path, 'utf8')).toBe('of the server');
    const [conflict] = (await rig.json('conflicts', 'm-server')) as { reason: string; kept_as: string }[];
    expect(conflict).toMatchObject({ reason: 'damaged-on-disk' });
    expect(await readFile(conflict?.kept_as ?? '', 'utf8')).toBe('rotten bytes!');
  }, 90_000);

  it('an older copy of the index, put back, never makes anything be deleted; a damaged one is rebuilt', async () => {
    const before = await rig.inBox();
    await cp(own('server', 'index.sqlite'), join(rig.folder, 'older.sqlite'));
    const server = await rig.mount('server');
    expect(await rig.run('evict', rig.path('server', 'run'))).toMatchObject({ code: 0 });
    expect(await rig.json('verify', 'm-server', '--remote')).toMatchObject({ findings: [] });
    await rig.stop(server);
    await cp(join(rig.folder, 'older.sqlite'), own('server', 'index.sqlite'));
    await once('server');
    expect(await rig.inBox()).toEqual(before);
    expect(await readFile(rig.path('server', 'run', 'c.bin'), 'utf8')).toBe('of the server');
    await writeFile(own('server', 'index.sqlite'), 'no database at all, but long enough to be taken for one');
    expect(await rig.run('verify', 'm-server')).toMatchObject({ code: 4 });
    expect((await rig.run('verify', 'm-server', '--repair')).stderr).toContain('rebuilds it');
    await once('server');
    expect(await rig.inBox()).toEqual(before);
  }, 120_000);

  it('--detach returns once ready; figures for Prometheus; the background mount is stopped by unmount', async () => {
    const detached = await rig.run(
      'mount',
      'server.json',
      '--detach',
      '--metrics-port',
      '0',
      '--bandwidth-up',
      '1M',
    );
    expect(detached).toMatchObject({ code: 0, stdout: `ready ${rig.path('server')}\n` });
    const [status] = (await rig.json('status')) as Record<string, unknown>[];
    expect(status).toMatchObject({ state: 'in-sync', directory: join(rig.folder, 'm-server') });
    expect(await rig.run('unmount')).toMatchObject({ code: 0 });
    const foreign = join(rig.folder, 'foreign');
    await mkdir(join(foreign, 'shared', 'runs'), { recursive: true });
    await writeFile(join(foreign, 'shared', 'runs', 'mine.txt'), 'mine');
    const refused = await rig.run('mount', 'server.json', '--detach', '--dir', 'foreign');
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain('holds files already');
    const mounted = await rig.mount('server', '--metrics-port', '0', '--api-budget', '600/min');
    const url = await eventually(() => /"url":"([^"]+)"/.exec(mounted.said())?.[1] ?? '');
    expect(await (await fetch(url)).text()).toContain('mila_sync_state{state="in-sync"} 1');
    await rig.stop(mounted);
    const unit = await rig.run('mount', 'server.json', '--dir', 'with space', '--print-unit');
    expect(unit.stdout).toMatch(/^ExecStart=\/.*mila-sync\.js mount server\.json --dir "with space"$/m);
  }, 120_000);
});
