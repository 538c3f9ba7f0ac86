import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boxConnection } from '../../src/cli/box-connection.ts';
import { Administrator } from '../../src/cli/demo/administrator.ts';
import { mountLayoutOf } from '../../src/cli/mount-layout.ts';
import { type OpenedMountWorkdir, openMountWorkdir } from '../../src/cli/mount-workdir.ts';
import { systemClock } from '../../src/clock.ts';
import { loadParticipantConfiguration, type ParticipantConfiguration } from '../../src/fl/config.ts';
import { silentLogger } from '../../src/logger.ts';
import { systemRandom } from '../../src/random.ts';
import {
  type EmulatorOptions,
  type RunningEmulator,
  startEmulator,
} from '../../src/sync/box-emulator/emulator.ts';
import { runMount } from '../../src/sync/mount/mount.ts';
import { attentionOf, type Profile, profileFilter } from '../../src/sync/mount/profiles.ts';

/** What the administrator and every configuration of these tests agree on. */
export const BOX = { groupName: 'sites', folderName: 'shared', savePath: 'phase/one' } as const;

/** One participant's mount, in this process. */
export interface MountedSite {
  readonly configuration: ParticipantConfiguration;
  readonly opened: OpenedMountWorkdir;
  /** The mirrored `save_path`. */
  readonly root: string;
  /** Stop the mount in order. */
  unmount(): Promise<void>;
}

/** An emulated Box with a shared folder, and the configuration files of a server and its clients. */
export class BoxStage {
  readonly folder: string;
  readonly emulator: RunningEmulator;
  readonly administrator: Administrator;
  readonly #sites: MountedSite[] = [];

  private constructor(folder: string, emulator: RunningEmulator) {
    this.folder = folder;
    this.emulator = emulator;
    this.administrator = new Administrator(emulator.url);
  }

  static async open(options: EmulatorOptions = {}): Promise<BoxStage> {
    const folder = await mkdtemp(join(tmpdir(), 'mila-box-'));
    const stage = new BoxStage(folder, await startEmulator(options));
    await stage.administrator.prepare(BOX);
    await writeFile(join(folder, 'box.json'), JSON.stringify(stage.emulator.configuration), { mode: 0o600 });
    await writeFile(join(folder, 'task.json'), '{"epochs": 1}\n');
    return stage;
  }

  async close(): Promise<void> {
    await Promise.all(this.#sites.map((site) => site.unmount()));
    await this.emulator.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Write a configuration; returns its path. Every site has a directory of its own below `folder`. */
  async configure(name: string, keys: Record<string, unknown>): Promise<string> {
    await mkdir(join(this.folder, name), { recursive: true });
    const path = join(this.folder, name, 'configuration.json');
    const role =
      name === 'server'
        ? {
            server_type: 'mila.services.servers.BoxServer',
            task_configuration_file: join(this.folder, 'task.json'),
          }
        : { name, client_type: 'mila.services.clients.BoxClient' };
    const box_configuration = {
      box_configuration_path: join(this.folder, 'box.json'),
      shared_dir_name: BOX.folderName,
      save_path: BOX.savePath,
      group_name: BOX.groupName,
      mount_path: join(this.folder, name, 'mount'),
    };
    const save_path = join(this.folder, name, 'results');
    await writeFile(path, JSON.stringify({ ...role, box_configuration, save_path, ...keys }, undefined, 1));
    return path;
  }

  /** Mount a configuration's folder in this process, and wait until both sides agree. */
  async mount(path: string): Promise<MountedSite> {
    const { configuration } = await loadParticipantConfiguration(path);
    const clock = systemClock();
    const random = systemRandom();
    const surroundings = { clock, random, logger: silentLogger, environment: process.env };
    const openStore = await boxConnection(configuration, surroundings);
    const layout = mountLayoutOf(configuration);
    const profile: Profile =
      configuration.role === 'server' ? { kind: 'server' } : { kind: 'client', name: configuration.name };
    const stop = new AbortController();
    let running: Promise<void> = Promise.resolve();
    await new Promise<void>((resolve, reject) => {
      const options = {
        layout,
        createRoot: configuration.role === 'server',
        openStore,
        filter: profileFilter(profile),
        attention: attentionOf(profile),
        clock,
        random,
        logger: silentLogger,
        signal: stop.signal,
      };
      running = runMount(options, () => resolve());
      running.catch(reject);
    });
    const opened = await openMountWorkdir({ layout, clock, logger: silentLogger });
    let isMounted = true;
    const site: MountedSite = {
      configuration,
      opened,
      root: join(layout.directory, ...layout.rootPath),
      unmount: async () => {
        if (!isMounted) return;
        isMounted = false;
        await opened.close();
        stop.abort();
        await running;
      },
    };
    this.#sites.push(site);
    return site;
  }

  /** Call the API as an account; answers as JSON. */
  async api(method: string, path: string, token: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.emulator.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Record<string, unknown>;
  }

  async tokenOf(userId: string): Promise<string> {
    const { access_token } = await this.api('POST', `/_emulator/users/${userId}/token`, '', {});
    return String(access_token);
  }

  /** An account of its own for a peer that talks to Box itself, in the group as every site is. */
  async account(name: string): Promise<{ readonly id: string; readonly token: string }> {
    const administrator = await this.tokenOf(this.emulator.adminUserId);
    const user = await this.api('POST', '/2.0/users', administrator, { name, is_platform_access_only: true });
    const groups = await this.api('GET', '/2.0/groups', administrator);
    const [group] = groups['entries'] as { id: string }[];
    await this.api('POST', '/2.0/group_memberships', administrator, {
      user: { id: user['id'] },
      group: { id: group?.id },
    });
    const id = String(user['id']);
    return { id, token: await this.tokenOf(id) };
  }

  /** What a peer must know to talk to this Box. */
  peerSettings(token: string): Record<string, unknown> {
    const { api, upload } = this.emulator.configuration.baseUrls;
    return { api, upload, token, shared_dir_name: BOX.folderName, save_path: BOX.savePath };
  }
}
