import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RemoteId } from '../../../src/ids.ts';
import type { ChangeHint, RemoteStore } from '../../../src/sync/remote/remote-store.ts';
import { type EmulatedBox, emulatedBox } from './emulator-box.ts';
import { sourceOf } from './source.ts';

let box: EmulatedBox;
let store: RemoteStore;
let other: RemoteStore;
let folderId: RemoteId;

beforeAll(async () => {
  box = await emulatedBox();
  store = await box.openAs('tester1');
  other = await box.openAs('tester2');
  folderId = await box.shareFolder('Events');
});
afterAll(() => box.close());
afterEach(() => box.clearFaults());

/** Read the feed until it names all these items. */
async function hintsFor(from: string, ids: readonly RemoteId[]): Promise<readonly ChangeHint[]> {
  const hints: ChangeHint[] = [];
  let position = from;
  for (;;) {
    const page = await store.changes(position);
    expect(page.gap).toBe(false);
    hints.push(...page.hints);
    position = page.position;
    if (ids.every((id) => hints.some(({ itemId }) => itemId === id))) return hints;
    const patience = AbortSignal.timeout(10_000);
    await store.waitForChange(position, patience);
    expect(patience.aborted).toBe(false);
  }
}

const put = (name: string) => other.upload({ parentId: folderId, name, source: sourceOf(name) });

describe('a feed that is not what it should be', () => {
  it.each(['duplicate', 'reorder', 'late'])('still names every item when events are: %s', async (effect) => {
    await box.fault({ user: 'tester1' }, { kind: 'events', effect, ms: 300 });
    const position = await store.position();
    const files = [await put(`${effect} 1`), await put(`${effect} 2`), await put(`${effect} 3`)];
    const hints = await hintsFor(
      position,
      files.map(({ id }) => id),
    );
    if (effect === 'duplicate') expect(hints).toHaveLength(3);
  });

  it('tells when access is withdrawn, and calls nothing deleted', async () => {
    const lost = await box.shareFolder('Lost');
    const file = await other.upload({ parentId: lost, name: 'kept', source: sourceOf('kept') });
    const position = await store.position();
    const { entries } = (await box.admin('GET', `/2.0/folders/${lost}/collaborations`)) as {
      entries: readonly { id: string }[];
    };
    await box.admin('DELETE', `/2.0/collaborations/${entries[0]?.id}`);
    const page = await store.changes(position);
    expect(page.hints.some(({ accessChanged }) => accessChanged)).toBe(true);
    expect(await store.list(lost)).toBeUndefined();
    const held = (await box.tree())['entries'] as readonly { id: string; status: string }[];
    expect(held.find(({ id }) => id === file.id)?.status).toBe('active');
  });

  it('tells when a file is locked, and when it is unlocked', async () => {
    const file = await put('locked');
    for (const lock of [{ type: 'lock' }, null]) {
      const position = await store.position();
      await box.admin('PUT', `/2.0/files/${file.id}`, { lock });
      expect(await hintsFor(position, [file.id])).toMatchObject([
        { itemId: file.id, kind: 'file', parentId: folderId, accessChanged: false },
      ]);
    }
  });

  it('tells when a role is lowered, and when it is raised again', async () => {
    const { entries } = (await box.admin('GET', `/2.0/folders/${folderId}/collaborations`)) as {
      entries: readonly { id: string }[];
    };
    for (const role of ['viewer', 'editor']) {
      const position = await store.position();
      await box.admin('PUT', `/2.0/collaborations/${entries[0]?.id}`, { role });
      const page = await store.changes(position);
      expect(page.hints.some(({ accessChanged }) => accessChanged)).toBe(true);
    }
  });

  it('goes on after a position that Box refuses, with a gap', async () => {
    const position = await store.position();
    await box.fault(
      { method: 'GET', path: '/2.0/events' },
      { kind: 'status', status: 400, code: 'bad_request' },
      { times: 1 },
    );
    const page = await store.changes(position);
    expect(page.gap).toBe(true);
    await put('after the gap');
    expect((await store.changes(page.position)).hints).not.toEqual([]);
  });
});
