import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type RunningEmulator, startEmulator } from '../../src/sync/box-emulator/emulator.ts';
import { eventually } from './eventually.ts';
import { builtProgram } from './programs.ts';

/** What a program that ended left. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A mount that runs as a process of its own. */
export interface MountProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly said: () => string;
}

/** The surroundings of a mount. */
interface MountStart {
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** A command that starts it, such as `unshare --uts`. */
  readonly through?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

/** A mount whose complaints are read too. */
export interface WatchedMount extends MountProcess {
  readonly complained: () => string;
  /** Resolves when it said `ready`. */
  readonly ready: () => Promise<unknown>;
}

/** An emulated Box with a shared folder, a folder of this test's own, and the real program on both. */
export class MountRig {
  readonly folder: string;
  readonly emulator: RunningEmulator;
  readonly #mounts: ChildProcess[] = [];

  private constructor(folder: string, emulator: RunningEmulator) {
    this.folder = folder;
    this.emulator = emulator;
  }

  static async create(): Promise<MountRig> {
    const folder = await mkdtemp(join(tmpdir(), 'mila-rig-'));
    const rig = new MountRig(folder, await startEmulator({}));
    await writeFile(join(folder, 'box.json'), JSON.stringify(rig.emulator.configuration), { mode: 0o600 });
    const token = await rig.token(rig.emulator.adminUserId);
    const group = await rig.api('/2.0/groups', { name: 'group' }, token);
    const member = { user: { id: rig.emulator.serviceAccountId }, group: { id: group['id'] } };
    await rig.api('/2.0/group_memberships', member, token);
    const shared = await rig.api('/2.0/folders', { name: 'shared', parent: { id: '0' } }, token);
    const invitation = {
      item: { type: 'folder', id: shared['id'] },
      accessible_by: { type: 'group', id: group['id'] },
      role: 'editor',
    };
    await rig.api('/2.0/collaborations', invitation, token);
    return rig;
  }

  async destroy(): Promise<void> {
    const running = this.#mounts.filter((child) => child.exitCode === null && child.signalCode === null);
    const gone = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(gone);
    await this.emulator.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return { ...process.env, XDG_STATE_HOME: join(this.folder, 'state'), NO_PROXY: '127.0.0.1', ...more };
  }

  /** A path in a mount's mirrored folder. */
  path(name: string, ...names: string[]): string {
    return join(this.folder, `m-${name}`, 'shared', 'runs', ...names);
  }

  run(...args: string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [builtProgram('mila-sync'), ...args],
        { cwd: this.folder, env: this.environment() },
        (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
      );
    });
  }

  /** Run a command with `--json`, and read what it says. Fails when it does not end well. */
  async json(...args: string[]): Promise<unknown> {
    const ended = await this.run(...args, '--json');
    expect(ended).toMatchObject({ code: 0 });
    return JSON.parse(ended.stdout);
  }

  /** Have a mount's signal end it, and wait for that. */
  async stop(mount: MountProcess): Promise<void> {
    mount.child.kill('SIGTERM');
    await mount.exited;
  }

  /** Start a mount in surroundings of its own; it may never come to its `ready`. */
  start(name: string, options: MountStart = {}): WatchedMount {
    const { args = [], through = [], environment = this.environment() } = options;
    const words = [...through, process.execPath, ...(options.nodeArgs ?? [])];
    const [program = '', ...more] = [...words, builtProgram('mila-sync'), 'mount', `${name}.json`, '--json'];
    const child = spawn(program, [...more, ...args], {
      cwd: this.folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#mounts.push(child);
    let said = '';
    let complained = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complained += text;
    });
    const exited = new Promise<number | null>((resolve) => {
      child.on('close', (code) => resolve(code));
    });
    const ready = () => eventually(() => expect(said).toContain('"event":"ready"'), 60_000);
    return { child, exited, said: () => said, complained: () => complained, ready };
  }

  /** Start a mount and wait for its `ready`. */
  async mount(name: string, ...args: string[]): Promise<MountProcess> {
    const child = spawn(
      process.execPath,
      [builtProgram('mila-sync'), 'mount', `${name}.json`, '--json', ...args],
      { cwd: this.folder, env: this.environment(), stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#mounts.push(child);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const exited = new Promise<number | null>((resolve) => {
      child.on('exit', (code) => resolve(code));
    });
    await eventually(() => expect(said).toContain('"event":"ready"'), 30_000);
    return { child, exited, said: () => said };
  }

  async configure(name: string): Promise<void> {
    const box = {
      box_configuration_path: 'box.json',
      shared_dir_name: 'shared',
      save_path: 'runs',
      group_name: 'group',
      mount_path: `m-${name}`,
    };
    const role = name.startsWith('server')
      ? { server_type: 'mila.services.servers.BoxServer', task_configuration_file: 'task.json' }
      : { client_type: 'mila.services.clients.BoxClient', name };
    await writeFile(join(this.folder, `${name}.json`), JSON.stringify({ ...role, box_configuration: box }));
  }

  async token(userId: string): Promise<string> {
    return String((await this.api(`/_emulator/users/${userId}/token`))['access_token']);
  }

  async api(path: string, body?: unknown, token?: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.emulator.url}${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body ?? {}),
    });
    return (await answer.json()) as Record<string, unknown>;
  }

  /** Paths of the living files in Box below the mirrored folder, with their hashes. */
  async inBox(): Promise<Record<string, string>> {
    const answer = await fetch(`${this.emulator.url}/_emulator/tree`);
    const { entries } = (await answer.json()) as { entries: BoxItem[] };
    const prefix = '/shared/runs/';
    return Object.fromEntries(
      entries
        .filter((item) => item.type === 'file' && item.status === 'active' && item.path.includes(prefix))
        .map((item) => [item.path.slice(item.path.indexOf(prefix) + prefix.length), item.sha1 ?? '']),
    );
  }
}

interface BoxItem {
  readonly type: string;
  readonly status: string;
  readonly path: string;
  readonly sha1?: string | null;
}
