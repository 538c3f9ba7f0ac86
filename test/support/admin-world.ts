import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.ts';
import { silentLogger } from '../../src/logger.ts';
import { seededRandom } from '../../src/random.ts';
import { examine } from '../../src/sync/admin/doctor.ts';
import type { GroupRole } from '../../src/sync/admin/enterprise.ts';
import type { Finding } from '../../src/sync/admin/finding.ts';
import type { Look, Wanted } from '../../src/sync/admin/look.ts';
import { Setup } from '../../src/sync/admin/setup.ts';
import type { SetupAction } from '../../src/sync/admin/setup-works.ts';
import { readBoxConfiguration } from '../../src/sync/box/box-configuration.ts';
import { openEnterprise } from '../../src/sync/box/enterprise.ts';
import { type RunningEmulator, startEmulator } from '../../src/sync/box-emulator/emulator.ts';

export const GROUP = 'federation';
export const FOLDER = 'shared models';

type Json = Readonly<Record<string, unknown>>;
type KeyFile = RunningEmulator['configuration'];

/** A key file with some of its keys replaced. */
export interface KeyChange {
  readonly boxAppSettings?: Partial<KeyFile['boxAppSettings']>;
  readonly appAuth?: Partial<KeyFile['boxAppSettings']['appAuth']>;
  readonly enterpriseID?: string;
  readonly userID?: string;
}

/** An enterprise on the emulator, and everything that its people do to it. */
export class AdminWorld {
  readonly emulator: RunningEmulator;
  readonly keyPath: string;
  readonly #directory: string;
  readonly ids: { group: string; folder: string; users: Map<string, string> } = {
    group: '',
    folder: '',
    users: new Map(),
  };

  private constructor(emulator: RunningEmulator, directory: string) {
    this.emulator = emulator;
    this.#directory = directory;
    this.keyPath = join(directory, 'box-key.json');
  }

  static async open(): Promise<AdminWorld> {
    const emulator = await startEmulator({ seed: 11, rateLimitPerMinute: 0, uploadRateLimitPerMinute: 0 });
    const world = new AdminWorld(emulator, await mkdtemp(join(tmpdir(), 'admin-world-')));
    await world.writeKey();
    return world;
  }

  async close(): Promise<void> {
    await this.emulator.close();
    await rm(this.#directory, { recursive: true });
  }

  /** Box's API as the enterprise's administrator, or as somebody else, uses it. */
  async api(method: string, path: string, body?: unknown, userId?: string): Promise<Record<string, unknown>> {
    const issued = await this.control('POST', `/users/${userId ?? this.emulator.adminUserId}/token`, {});
    return this.#send(method, path, body, String(issued['access_token']));
  }

  control(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    return this.#send(method, `/_emulator${path}`, body);
  }

  /** The app as its developer configures it and its administrator authorises it. */
  app(change: Json): Promise<Record<string, unknown>> {
    return this.control('POST', '/app', { reauthorise: true, ...change });
  }

  fault(match: Json, action: Json): Promise<Record<string, unknown>> {
    return this.control('POST', '/faults', { match, action });
  }

  async #send(
    method: string,
    path: string,
    body?: unknown,
    token?: string,
  ): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.emulator.url}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  async writeKey(change: KeyChange = {}, mode = 0o600): Promise<void> {
    const { boxAppSettings, ...rest } = this.emulator.configuration;
    const { appAuth, boxAppSettings: settings, ...others } = change;
    const file = {
      ...rest,
      ...others,
      boxAppSettings: { ...boxAppSettings, ...settings, appAuth: { ...boxAppSettings.appAuth, ...appAuth } },
    };
    await this.writeKeyText(JSON.stringify(file), mode);
  }

  async writeKeyText(text: string, mode = 0o600): Promise<void> {
    await writeFile(this.keyPath, text);
    await chmod(this.keyPath, mode);
  }

  async createFolder(name: string, owner?: string): Promise<string> {
    return String((await this.api('POST', '/2.0/folders', { name, parent: { id: '0' } }, owner))['id']);
  }

  async invite(folderId: string, role = 'editor', more: Json = {}, owner?: string): Promise<string> {
    const body = {
      item: { type: 'folder', id: folderId },
      accessible_by: { type: 'group', id: this.ids.group },
      role,
      ...more,
    };
    return String((await this.api('POST', '/2.0/collaborations', body, owner))['id']);
  }

  async join(userId: string): Promise<void> {
    await this.api('POST', '/2.0/group_memberships', { user: { id: userId }, group: { id: this.ids.group } });
  }

  async leave(userId: string): Promise<void> {
    const { entries } = await this.api('GET', `/2.0/groups/${this.ids.group}/memberships?limit=1000`);
    const all = entries as readonly { id: string; user: { id: string } }[];
    const membership = all.find(({ user }) => user.id === userId);
    await this.api('DELETE', `/2.0/group_memberships/${membership?.id}`);
  }

  async createAppUser(name: string): Promise<string> {
    const made = await this.api(
      'POST',
      '/2.0/users',
      { name, is_platform_access_only: true },
      this.emulator.serviceAccountId,
    );
    this.ids.users.set(name, String(made['id']));
    return String(made['id']);
  }

  /** The guide's steps, by hand: group, app in it, folder in the administrator's account, participants. */
  async followGuide(participants: readonly string[]): Promise<void> {
    this.ids.group = String((await this.api('POST', '/2.0/groups', { name: GROUP }))['id']);
    await this.join(this.emulator.serviceAccountId);
    this.ids.folder = await this.createFolder(FOLDER);
    await this.invite(this.ids.folder);
    for (const name of participants) await this.join(await this.createAppUser(name));
  }

  wanted(change: Partial<Wanted> = {}): Wanted {
    return {
      side: 'server',
      participants: [],
      groupName: GROUP,
      sharedFolder: FOLDER,
      savePath: ['jwt', 'run'],
      largestFileBytes: 0,
      mayWrite: true,
      ...change,
    };
  }

  look(change: Partial<Wanted> = {}, options: { signal?: AbortSignal; api?: string } = {}): Look {
    const clock = systemClock();
    const random = seededRandom(5);
    const { signal = new AbortController().signal, api } = options;
    const open = async () =>
      openEnterprise({
        configuration: await readBoxConfiguration(this.keyPath),
        clock,
        random,
        logger: silentLogger,
        signal,
        retryPolicy: { attemptsMax: 2, baseMs: 1, capMs: 2, waitTotalMaxMs: 10 },
        ...(api === undefined ? {} : { baseUrls: { api, upload: api, oauth2: api } }),
      });
    return { wanted: this.wanted(change), facts: {}, clock, random, open };
  }

  async doctor(
    change: Partial<Wanted> = {},
    options: { signal?: AbortSignal; api?: string } = {},
  ): Promise<readonly Finding[]> {
    const look = this.look(change, options);
    try {
      return await examine(look);
    } finally {
      await look.facts.enterprise?.close();
    }
  }

  async setup(
    participants: readonly string[],
    { dryRun = false, role = 'editor' as GroupRole } = {},
  ): Promise<readonly SetupAction[]> {
    const actions: SetupAction[] = [];
    const enterprise = await this.look().open();
    try {
      await new Setup({
        enterprise,
        groupName: GROUP,
        sharedFolder: FOLDER,
        participants,
        role,
        dryRun,
        onAction: (action) => actions.push(action),
      }).run();
    } finally {
      await enterprise.close();
    }
    return actions;
  }

  /** Every item that exists, in the trash too. */
  async items(): Promise<readonly { readonly id: string; readonly name: string; readonly status: string }[]> {
    const tree = await this.control('GET', '/tree');
    return tree['entries'] as never;
  }
}
