import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningEmulator, startEmulator } from '../../src/sync/box-emulator/emulator.ts';
import { eventually } from '../support/eventually.ts';
import { linesOf } from '../support/recordings.ts';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const program = join(repository, 'dist', 'cli', 'mila-sync.js');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('mila-sync as a person uses it', () => {
  let folder: string;
  let emulator: RunningEmulator;

  const environment = () => ({
    ...process.env,
    XDG_STATE_HOME: join(folder, 'state'),
    NO_PROXY: '127.0.0.1',
  });

  const run = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [program, ...args],
        { cwd: folder, env: environment() },
        (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
      );
    });

  /** Start a mount and wait for its `ready`. */
  const mount = async (config: string, ...flags: string[]) => {
    const child = spawn(process.execPath, [program, 'mount', config, '--json', ...flags], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const exited = new Promise<number | null>((resolve) => {
      child.on('exit', (code) => resolve(code));
    });
    await eventually(() => expect(said).toContain('"event":"ready"'), 30_000);
    return { child, exited };
  };

  const api = async (path: string, body?: unknown, token?: string): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${emulator.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body ?? {}),
    });
    return (await answer.json()) as Record<string, unknown>;
  };

  const configure = async (name: string, changes: Record<string, unknown> = {}) => {
    const box = {
      box_configuration_path: 'box.json',
      shared_dir_name: 'shared',
      save_path: 'runs',
      group_name: 'group',
      mount_path: `m-${name}`,
      ...changes,
    };
    const role = name.startsWith('server')
      ? { server_type: 'mila.services.servers.BoxServer', task_configuration_file: 'task.json' }
      : { client_type: 'mila.services.clients.BoxClient', name };
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ ...role, box_configuration: box }));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mila-mount-'));
    emulator = await startEmulator({});
    await writeFile(join(folder, 'box.json'), JSON.stringify(emulator.configuration), { mode: 0o600 });
    const { access_token } = await api(`/_emulator/users/${emulator.adminUserId}/token`);
    const token = String(access_token);
    const group = await api('/2.0/groups', { name: 'group' }, token);
    await api(
      '/2.0/group_memberships',
      { user: { id: emulator.serviceAccountId }, group: { id: group['id'] } },
      token,
    );
    const shared = await api('/2.0/folders', { name: 'shared', parent: { id: '0' } }, token);
    const accessible = { type: 'group', id: group['id'] };
    await api(
      '/2.0/collaborations',
      { item: { type: 'folder', id: shared['id'] }, accessible_by: accessible, role: 'editor' },
      token,
    );
  }, 60_000);

  afterAll(async () => {
    await emulator.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('says in one line what is wrong with a configuration, and exits with 2', async () => {
    const missing = await run('mount', 'nowhere.json');
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('nowhere.json does not exist');
    await writeFile(join(folder, 'broken.json'), '{"name": ');
    const broken = await run('mount', 'broken.json');
    expect(broken).toMatchObject({ code: 2, stdout: '' });
    expect(broken.stderr).toMatch(/^error: broken\.json is not a configuration: it is no JSON/);
  });

  it('names the administrator’s step behind a wrong passphrase and a folder that is not shared, and exits with 3', async () => {
    const keys = JSON.parse(JSON.stringify(emulator.configuration)) as {
      boxAppSettings: { appAuth: { passphrase: string } };
    };
    keys.boxAppSettings.appAuth.passphrase = 'wrong';
    await writeFile(join(folder, 'bad-box.json'), JSON.stringify(keys));
    await configure('server-bad', { box_configuration_path: 'bad-box.json' });
    const passphrase = await run('mount', 'server-bad.json');
    expect(passphrase.code).toBe(3);
    expect(passphrase.stderr).toContain('does not open with the passphrase');
    await configure('server-other', { shared_dir_name: 'other' });
    const folderMissing = await run('mount', 'server-other.json');
    expect(folderMissing.code).toBe(3);
    expect(folderMissing.stderr).toContain('no folder other is shared with');
    expect(await readdir(join(folder, 'm-server-other'))).toEqual(['.mila-sync']);
  });

  it('reports Box out of reach with 5', async () => {
    await configure('server-far', {
      base_urls: {
        api: 'http://127.0.0.1:9',
        upload: 'http://127.0.0.1:9/api',
        oauth2: 'http://127.0.0.1:9/api/oauth2',
      },
    });
    expect((await run('mount', 'server-far.json')).code).toBe(5);
  }, 60_000);

  it('mirrors, refuses a second mount, shows itself, and leaves nothing but its index behind', async () => {
    await configure('server');
    const first = await mount('server.json');
    const second = await run('mount', 'server.json');
    expect(second.code).toBe(4);
    expect(second.stderr).toContain('is mounted already');
    await writeFile(join(folder, 'm-server', 'shared', 'runs', 'cfg.json'), '{}');
    await configure('ada');
    const other = await mount('ada.json');
    const copy = join(folder, 'm-ada', 'shared', 'runs', 'cfg.json');
    await eventually(async () => expect(await readFile(copy, 'utf8')).toBe('{}'));
    const status = await run('status', '--json');
    expect(
      (JSON.parse(status.stdout) as { directory: string }[]).map((each) => each.directory).sort(),
    ).toEqual([join(folder, 'm-ada'), join(folder, 'm-server')]);
    expect((await run('unmount')).stderr).toContain('2 mounts are running');
    expect((await run('unmount', 'm-server')).code).toBe(0);
    expect(await first.exited).toBe(0);
    other.child.kill('SIGTERM');
    expect(await other.exited).toBe(130);
    const left = (await readdir(join(folder, 'm-ada', '.mila-sync'))).filter(
      (name) => !['generation', 'index.sqlite', 'log.jsonl', 'staging'].includes(name),
    );
    expect(left).toEqual([]);
    expect((await run('status')).code).toBe(4);
  }, 90_000);

  it.each([
    ['eve', '--json', '"state":"awaiting-folder"'],
    ['zoe', '--detach', ''],
  ])(
    'says that it waits for its server to make the folder, and mirrors once that is done: %s %s',
    async (name, flag, event) => {
      const place = { save_path: `later-${name}` };
      await configure(name, place);
      await configure(`server-${name}`, place);
      const early = spawn(process.execPath, [program, 'mount', `${name}.json`, flag], {
        cwd: folder,
        env: environment(),
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const exited = new Promise((resolve) => early.on('exit', resolve));
      let results = '';
      let notes = '';
      early.stdout.setEncoding('utf8').on('data', (text: string) => {
        results += text;
      });
      early.stderr.setEncoding('utf8').on('data', (text: string) => {
        notes += text;
      });
      try {
        const words = 'waiting for the server to make the folder in Box';
        await eventually(() => expect(notes).toContain(words), 30_000);
        expect(results).toContain(event);
        expect(results).not.toContain('ready');
        const server = await mount(`server-${name}.json`);
        await eventually(() => expect(results).toContain('ready'), 30_000);
        if (flag === '--detach') expect((await run('unmount', `m-${name}`)).code).toBe(0);
        server.child.kill('SIGTERM');
        expect(await server.exited).toBe(130);
      } finally {
        early.kill('SIGTERM');
      }
      expect(await exited).toBe(flag === '--detach' ? 0 : 130);
    },
    90_000,
  );

  it('goes on after kill -9 with what was written meanwhile', async () => {
    await configure('server');
    await configure('ben');
    const server = await mount('server.json');
    const ben = await mount('ben.json');
    ben.child.kill('SIGKILL');
    await ben.exited;
    await mkdir(join(folder, 'm-ben', 'shared', 'runs', 'r1'), { recursive: true });
    await writeFile(join(folder, 'm-ben', 'shared', 'runs', 'r1', 'ben.txt'), 'written while nobody looked');
    await writeFile(join(folder, 'm-server', 'shared', 'runs', 'server.txt'), 'from the other side');
    const again = await mount('ben.json');
    await eventually(async () => {
      expect(await readFile(join(folder, 'm-server', 'shared', 'runs', 'r1', 'ben.txt'), 'utf8')).toBe(
        'written while nobody looked',
      );
      expect(await readFile(join(folder, 'm-ben', 'shared', 'runs', 'server.txt'), 'utf8')).toBe(
        'from the other side',
      );
    });
    for (const each of [server, again]) each.child.kill('SIGTERM');
    await Promise.all([server.exited, again.exited]);
  }, 90_000);

  it('records a session that can be played again although the mount was killed', async () => {
    await configure('server-recorded', { save_path: 'recorded' });
    await configure('tester2', { save_path: 'recorded' });
    const inside = await run(
      'mount',
      'server-recorded.json',
      '--record',
      'm-server-recorded/shared/recorded/r.gz',
    );
    expect(inside).toMatchObject({ code: 2 });
    expect(inside.stderr).toContain('inside the mirrored folder');
    const server = await mount('server-recorded.json', '--record', 'session.jsonl.gz');
    const client = await mount('tester2.json');
    const at = (mountName: string, path: string) => join(folder, mountName, 'shared', 'recorded', path);
    await mkdir(at('m-server-recorded', '2026-01-31_09-15-00/authentications'), { recursive: true });
    await writeFile(at('m-server-recorded', '2026-01-31_09-15-00/cfg.json'), '{"epochs": 3}');
    const claim = '2026-01-31_09-15-00/authentications/tester2_authentication.txt';
    await eventually(() => readdir(at('m-tester2', '2026-01-31_09-15-00/authentications')));
    await writeFile(at('m-tester2', claim), '');
    await eventually(() =>
      readdir(at('m-server-recorded', '2026-01-31_09-15-00/authentications')).then((names) =>
        expect(names).toHaveLength(1),
      ),
    );
    await writeFile(at('m-server-recorded', claim), 'Authenticated - Token 1');
    await eventually(async () => expect(await readFile(at('m-tester2', claim), 'utf8')).toContain('Token 1'));
    // The answer's own upload must be in the recording before the kill.
    await eventually(async () => {
      const lines = await linesOf(join(folder, 'session.jsonl.gz'));
      const uploads = lines.filter((line) => line.kind === 'call' && line.call === 'uploadVersion');
      expect(uploads.length).toBeGreaterThan(0);
    });
    server.child.kill('SIGKILL');
    client.child.kill('SIGTERM');
    await Promise.all([server.exited, client.exited]);
    const replayed = await run('replay', 'session.jsonl.gz', '--dir', 'again', '--json');
    expect(replayed.code).toBe(0);
    expect(replayed.stdout).toContain('"by":"tester2"');
    const again = (path: string) => readFile(join(folder, 'again', 'shared', 'recorded', path), 'utf8');
    expect(await again(claim)).toBe('Authenticated - Token 1');
    expect(await again('2026-01-31_09-15-00/cfg.json')).toBe('{"epochs": 3}');
    expect((await readFile(join(folder, 'session.jsonl.gz'))).includes('access_token')).toBe(false);
    const inspected = await run(
      'inspect',
      join('again', 'shared', 'recorded', '2026-01-31_09-15-00'),
      '--json',
    );
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      participants: [{ name: 'tester2', admission: 'admitted' }],
    });
  }, 60_000);
});
