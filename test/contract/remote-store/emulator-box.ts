import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../../src/clock.ts';
import { type RemoteId, remoteId } from '../../../src/ids.ts';
import { silentLogger } from '../../../src/logger.ts';
import { seededRandom } from '../../../src/random.ts';
import { type BoxConfiguration, readBoxConfiguration } from '../../../src/sync/box/box-configuration.ts';
import { type BoxStoreOptions, openBoxStore } from '../../../src/sync/box/box-store.ts';
import { type EmulatorOptions, startEmulator } from '../../../src/sync/box-emulator/emulator.ts';
import type { RemoteStore } from '../../../src/sync/remote/remote-store.ts';

export const GROUP = 'Federation';

interface Json {
  readonly [key: string]: unknown;
}

/** An emulated Box that an administrator has set up: a group that holds an Editor's role on shared folders. */
export interface EmulatedBox {
  readonly url: string;
  readonly configuration: BoxConfiguration;
  /** Speak to the emulator as the administrator, past the adapter. */
  admin(method: string, path: string, body?: unknown): Promise<Json>;
  shareFolder(name: string): Promise<RemoteId>;
  openAs(name: string, options?: Partial<BoxStoreOptions>): Promise<RemoteStore>;
  /** Ask for a fault. */
  fault(match: Json, action: Json, more?: Json): Promise<string>;
  clearFaults(): Promise<void>;
  settings(values: Json): Promise<void>;
  stats(): Promise<{ calls: { total: number; by_endpoint: Record<string, number> } }>;
  resetStats(): Promise<void>;
  tree(): Promise<Json>;
  close(): Promise<void>;
}

export async function emulatedBox(options: EmulatorOptions = {}): Promise<EmulatedBox> {
  const emulator = await startEmulator({
    seed: 7,
    rateLimitPerMinute: 0,
    uploadRateLimitPerMinute: 0,
    ...options,
  });
  const directory = await mkdtemp(join(tmpdir(), 'emulated-box-'));
  const path = join(directory, 'key.json');
  await writeFile(path, JSON.stringify(emulator.configuration), { mode: 0o600 });
  const configuration = await readBoxConfiguration(path);
  const call = async (method: string, target: string, body?: unknown, token?: string): Promise<Json> => {
    const response = await fetch(`${emulator.url}${target}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Json);
  };
  const issued = await call('POST', `/_emulator/users/${emulator.adminUserId}/token`);
  const token = String(issued['access_token'] ?? issued['token']);
  const admin = (method: string, target: string, body?: unknown) => call(method, target, body, token);
  const group = await admin('POST', '/2.0/groups', { name: GROUP });
  const stores: RemoteStore[] = [];
  return {
    url: emulator.url,
    configuration,
    admin,
    async shareFolder(name) {
      const folder = await admin('POST', '/2.0/folders', { name, parent: { id: '0' } });
      await admin('POST', '/2.0/collaborations', {
        item: { type: 'folder', id: folder['id'] },
        accessible_by: { type: 'group', id: group['id'] },
        role: 'editor',
      });
      return remoteId(String(folder['id']));
    },
    async openAs(name, more = {}) {
      const store = await openBoxStore({
        configuration,
        identity: { kind: 'app-user', name, groupName: GROUP },
        clock: systemClock(),
        random: seededRandom(1),
        logger: silentLogger,
        limits: { callsPerMinute: 1e9, uploadsPerMinute: 1e9 },
        ...more,
      });
      stores.push(store);
      return store;
    },
    fault: async (match, action, more = {}) =>
      String((await call('POST', '/_emulator/faults', { match, action, ...more }))['id']),
    clearFaults: async () => void (await call('DELETE', '/_emulator/faults')),
    settings: async (values) => void (await call('POST', '/_emulator/settings', values)),
    stats: async () => (await call('GET', '/_emulator/stats')) as never,
    resetStats: async () => void (await call('POST', '/_emulator/stats/reset')),
    tree: () => call('GET', '/_emulator/tree'),
    async close() {
      await Promise.all(stores.map((store) => store.close()));
      await emulator.close();
      await rm(directory, { recursive: true });
    },
  };
}
