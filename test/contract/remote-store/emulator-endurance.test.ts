import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RemoteId } from '../../../src/ids.ts';
import type { RemoteStore, UploadResumption } from '../../../src/sync/remote/remote-store.ts';
import { type EmulatedBox, emulatedBox } from './emulator-box.ts';
import { bytesOf, sha1, sourceOf } from './source.ts';

const PART = 64 * 1024;
const QUICK = {
  timeouts: { headersMs: 1_000, idleMs: 500 },
  retryPolicy: { attemptsMax: 8, baseMs: 2, capMs: 20, waitTotalMaxMs: 10_000 },
  chunkedFromBytes: 100_000,
};

let box: EmulatedBox;
let store: RemoteStore;
let folderId: RemoteId;

beforeAll(async () => {
  box = await emulatedBox({ chunkedMinimumBytes: 1_000, partSizeBytes: PART });
  store = await box.openAs('tester1', QUICK);
  folderId = await box.shareFolder('Endurance');
});
afterAll(() => box.close());
afterEach(() => box.clearFaults());

function memoryResumption() {
  let kept: string | undefined;
  const resumption: UploadResumption = {
    load: () => kept,
    save(state) {
      kept = state;
    },
    clear() {
      kept = undefined;
    },
  };
  return { resumption, kept: () => kept };
}

describe('an upload of two hundred parts', () => {
  const content = randomBytes(200 * PART - 17);

  it('goes on when the token ends in the middle, sending each part once', async () => {
    await box.resetStats();
    let sent = 0;
    let expired = false;
    const onBytes = (bytes: number) => {
      sent += bytes;
      if (expired || sent < content.byteLength / 2) return;
      expired = true;
      void fetch(`${box.url}/_emulator/tokens/expire`, { method: 'POST' });
    };
    const file = await store.upload(
      { parentId: folderId, name: 'big', source: sourceOf(content) },
      { onBytes },
    );
    expect(expired).toBe(true);
    expect(file.content.sha1).toBe(sha1(content));
    const { by_endpoint } = (await box.stats()).calls;
    expect(by_endpoint['POST /oauth2/token']).toBe(1);
    expect((await bytesOf(await store.download({ ...file, expected: file.content }))).equals(content)).toBe(
      true,
    );
    await store.remove(file);
  });

  it('goes on after a restart with only the parts that are missing', async () => {
    const { resumption, kept } = memoryResumption();
    const giveUp = new AbortController();
    let sent = 0;
    const stopHalfWay = (bytes: number) => {
      sent += bytes;
      if (sent > content.byteLength / 2) giveUp.abort();
    };
    const file = { parentId: folderId, name: 'resumed', source: sourceOf(content) };
    await expect(
      store.upload(file, { resumption, onBytes: stopHalfWay, signal: giveUp.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(kept()).toBeDefined();
    const restarted = await box.openAs('tester1', QUICK);
    let again = 0;
    const onBytes = (bytes: number) => {
      again += bytes;
    };
    const uploaded = await restarted.upload(file, { resumption, onBytes });
    expect(uploaded.content.sha1).toBe(sha1(content));
    expect(again).toBeLessThan(content.byteLength * 0.6);
    expect(kept()).toBeUndefined();
    await store.remove(uploaded);
  });

  const savedSession = (origin: string, name: string) =>
    JSON.stringify({
      id: 'F'.repeat(32),
      partSizeBytes: PART,
      totalParts: 200,
      endpoints: Object.fromEntries(
        ['uploadPart', 'commit', 'abort', 'listParts'].map((endpoint) => [
          endpoint,
          `${origin}/2.0/files/upload_sessions/${'F'.repeat(32)}`,
        ]),
      ),
      sha1: sha1(content),
      sizeBytes: content.byteLength,
      target: `new ${folderId} ${name}`,
    });

  it('starts over when nobody answers at the saved address any more', async () => {
    const { resumption } = memoryResumption();
    resumption.save(savedSession('http://127.0.0.1:9', 'moved away'));
    const file = { parentId: folderId, name: 'moved away', source: sourceOf(content) };
    const uploaded = await store.upload(file, { resumption });
    expect(uploaded.content.sha1).toBe(sha1(content));
    await store.remove(uploaded);
  });

  it('keeps the saved session while Box is out of reach altogether', async () => {
    const { resumption, kept } = memoryResumption();
    const saved = savedSession('http://127.0.0.1:9', 'out of reach');
    resumption.save(saved);
    await box.fault({ path: '/2.0/files/upload_sessions' }, { kind: 'drop_before' });
    const file = { parentId: folderId, name: 'out of reach', source: sourceOf(content) };
    await expect(store.upload(file, { resumption })).rejects.toMatchObject({ code: 'network' });
    expect(kept()).toBe(saved);
    await box.clearFaults();
  });

  it('starts over when Box has lost the session', async () => {
    const { resumption } = memoryResumption();
    resumption.save(savedSession(box.url, 'lost'));
    const file = { parentId: folderId, name: 'lost', source: sourceOf(content) };
    const uploaded = await store.upload(file, { resumption });
    expect(uploaded.content.sha1).toBe(sha1(content));
    await store.remove(uploaded);
  });

  it('waits while Box puts the parts together', async () => {
    await box.settings({ commitProcessingAnswers: 4, commitRetryAfterS: 0, partVisibleAfterMs: 50 });
    const file = await store.upload({ parentId: folderId, name: 'slow', source: sourceOf(content) });
    expect(file.content).toMatchObject({ sha1: sha1(content), modifiedAtMs: sourceOf(content).modifiedAtMs });
    await box.settings({ commitProcessingAnswers: 0, partVisibleAfterMs: 0 });
    await store.remove(file);
  });

  it('does not send again what Box holds under that name', async () => {
    const first = await store.upload({ parentId: folderId, name: 'same', source: sourceOf(content) });
    let sent = 0;
    const onBytes = (bytes: number) => {
      sent += bytes;
    };
    const source = sourceOf(content);
    expect(await store.upload({ parentId: folderId, name: 'same', source }, { onBytes })).toEqual(first);
    expect(sent).toBe(0);
    await store.remove(first);
  });
});

describe('a download right after the upload', () => {
  it('waits until Box is ready', async () => {
    await box.settings({ downloadReadyAfterMs: 1_500 });
    const file = await store.upload({ parentId: folderId, name: 'fresh', source: sourceOf('fresh') });
    expect((await bytesOf(await store.download(file))).toString()).toBe('fresh');
    await box.settings({ downloadReadyAfterMs: 0 });
    await store.remove(file);
  });
});

describe('five hundred files up and down while one call in twenty fails', () => {
  it('leaves each file once, with its bytes', { timeout: 120_000 }, async () => {
    const kinds = [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 502, when: 'after' },
      { kind: 'drop_before' },
      { kind: 'drop_after' },
      { kind: 'truncate', chunked: true },
    ];
    const folder = await store.createFolder(folderId, 'five hundred');
    for (const action of kinds) await box.fault({ user: 'tester1' }, action, { probability: 0.01 });
    const names = Array.from({ length: 500 }, (_, index) => `file ${index}`);
    const contentOf = (name: string) => Buffer.from(`${name} `.repeat(name.length * 40));
    const lanes = async (work: (name: string) => Promise<void>) => {
      const queue = [...names];
      const lane = async () => {
        for (let name = queue.shift(); name !== undefined; name = queue.shift()) await work(name);
      };
      await Promise.all(Array.from({ length: 8 }, lane));
    };
    await lanes(async (name) => {
      await store.upload({ parentId: folder.id, name, source: sourceOf(contentOf(name)) });
    });
    const listed = (await store.list(folder.id)) ?? [];
    expect(listed.map(({ name }) => name).sort()).toEqual([...names].sort());
    const byName = new Map(listed.map((entry) => [entry.name, entry]));
    await lanes(async (name) => {
      const entry = byName.get(name);
      if (entry?.kind !== 'file') throw new Error(`${name} is no file`);
      const bytes = await bytesOf(await store.download({ ...entry, expected: entry.content }));
      expect(bytes.equals(contentOf(name))).toBe(true);
    });
    await box.clearFaults();
    const items = (await box.tree())['entries'] as { parent_id: string; versions?: unknown[] }[];
    const held = items.filter((item) => item.parent_id === folder.id);
    expect(held).toHaveLength(500);
    expect(held.every(({ versions }) => versions?.length === 1)).toBe(true);
  });
});

describe('idle', () => {
  it('costs one call for the channel of the long poll, and nothing else', async () => {
    const quiet = await box.openAs('tester2');
    const position = await quiet.position();
    await box.resetStats();
    await quiet.waitForChange(position, AbortSignal.timeout(3_000));
    expect((await box.stats()).calls.by_endpoint).toEqual({ 'OPTIONS /2.0/events': 1 });
  });

  it('costs three calls a wait at most while every channel ends at once', async () => {
    const quiet = await box.openAs('tester2');
    await box.settings({ longPollHoldMs: 1 });
    const position = await quiet.position();
    await box.resetStats();
    await expect(quiet.waitForChange(position, AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: 'realtime-unreachable',
    });
    expect((await box.stats()).calls.by_endpoint).toEqual({ 'OPTIONS /2.0/events': 3 });
    await box.settings({ longPollHoldMs: 600_000 });
  });
});
