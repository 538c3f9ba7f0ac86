import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { type RunningEmulator, startEmulator } from '../../../src/sync/box-emulator/emulator.ts';
import type { FolderChange } from '../../../src/sync/recording/recorded-folder.ts';
import { readRecording, recordedContents } from '../../../src/sync/recording/recording-reader.ts';
import { replay } from '../../../src/sync/recording/replay.ts';
import { EmulatorTarget } from '../../../src/sync/recording/replay-emulator.ts';

interface TreeItem {
  readonly id: string;
  readonly path: string;
  readonly type: string;
  readonly sha1: string | null;
  readonly status: 'active' | 'trashed';
  readonly versions?: readonly unknown[];
}

const recording = fileURLToPath(new URL('../../../fixtures/recordings/resumed.jsonl.gz', import.meta.url));

describe('a recording played into the emulator', () => {
  let emulator: RunningEmulator;
  const changes: FolderChange[] = [];

  beforeAll(async () => {
    emulator = await startEmulator({ seed: 7, rateLimitPerMinute: 0, uploadRateLimitPerMinute: 0 });
    await replay({
      lines: readRecording(recording),
      target: new EmulatorTarget({ url: emulator.url, contents: recordedContents(recording) }),
      clock: systemClock(),
      signal: new AbortController().signal,
      speed: 'max',
      until: null,
      onChange: (change) => changes.push(change),
    });
  });
  afterAll(() => emulator?.close());

  const get = async (path: string, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${emulator.url}${path}`, { headers });
    return (await response.json()) as Record<string, unknown>;
  };

  it('leaves the recorded folder there, with every version, and what was deleted in the trash', async () => {
    const { entries: items } = (await get('/_emulator/tree')) as { entries: TreeItem[] };
    const last = new Map<string, string>();
    const removed = new Set<string>();
    for (const { kind, names, content } of changes) {
      const path = names.join('/');
      if (kind === 'file' && content !== null) last.set(path, content.sha1);
      if (kind === 'removed') removed.add(path);
    }
    expect(last.size).toBeGreaterThan(12);
    expect([...removed]).toEqual(['2023-01-16_19-11/tester2.lost_connection']);
    const files = new Map(items.filter(({ type }) => type === 'file').map((item) => [item.path, item]));
    for (const [path, sha1] of last) {
      const found = files.get(`/kmol folder/jwt/test_run/${path}`);
      expect(found?.sha1, path).toBe(sha1);
      expect(found?.status, path).toBe(removed.has(path) ? 'trashed' : 'active');
    }
    const beats = [...files].find(([path]) => path.endsWith('tester1_heartbeat.txt'))?.[1];
    expect(beats?.versions).toHaveLength(5);
  });

  it('has every file in the name of the account that wrote it', async () => {
    const app = await get('/_emulator/app');
    const response = await fetch(`${emulator.url}/_emulator/users/${app['admin_user_id']}/token`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    const users = (await get('/2.0/users', token)) as { entries: { name: string }[] };
    expect(users.entries.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['server', 'tester1', 'tester2']),
    );
    const { entries: items } = (await get('/_emulator/tree')) as { entries: TreeItem[] };
    const answer = items.find(({ path }) => path.endsWith('tester1_authentication.txt'));
    const file = (await get(`/2.0/files/${answer?.id}?fields=created_by,modified_by`, token)) as {
      created_by: { name: string };
      modified_by: { name: string };
    };
    expect([file.created_by.name, file.modified_by.name]).toEqual(['tester1', 'server']);
  });
});
