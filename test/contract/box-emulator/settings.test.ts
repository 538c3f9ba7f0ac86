import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Rig } from './rig.ts';

let rig: Rig;
let token: string;
let top: string;
let count = 0;

beforeAll(async () => {
  rig = await Rig.open();
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(() => rig.close());

const fresh = (name: string) => `${name}-${++count}`;
const put = (path: string, json: unknown) => rig.call('PUT', path, { token, json });
const drop = (path: string) => rig.call('DELETE', path, { token });
const names = (answer: Answer): readonly string[] =>
  answer.body.entries.map((each: { name: string }) => each.name);

/** Run with a setting changed, and put it back. */
async function having(
  change: Readonly<Record<string, unknown>>,
  back: Readonly<Record<string, unknown>>,
  run: () => Promise<void>,
): Promise<void> {
  expect((await rig.settings(change)).status).toBe(200);
  try {
    await run();
  } finally {
    await rig.settings(back);
  }
}

/** What happens to a folder with one file in it, as the stream tells it. */
async function toldOf(run: (folder: string) => Promise<unknown>): Promise<readonly string[]> {
  const folder = await rig.folder(token, top, fresh('told'));
  await rig.file(token, folder, 'inside');
  const position = await rig.now(token);
  await run(folder);
  return (await rig.events(token, position)).body.entries.map(
    (each: { event_type: string; source: { name: string } }) => `${each.event_type} ${each.source.name}`,
  );
}

describe('settings', () => {
  it('make pages shorter than asked for, of listings and of events, that still lead to the end', async () => {
    const folder = await rig.folder(token, top, fresh('short'));
    const position = await rig.now(token);
    for (const name of ['a', 'b', 'c']) await rig.file(token, folder, name);
    await having({ shortPageEntries: 2 }, { shortPageEntries: 0 }, async () => {
      const path = `/2.0/folders/${folder}/items`;
      const first = await rig.get(`${path}?limit=100`, token);
      expect(first.body).toMatchObject({ limit: 100, total_count: 3 });
      expect(names(first)).toEqual(['a', 'b']);
      const marked = await rig.get(`${path}?usemarker=true`, token);
      const rest = await rig.get(`${path}?usemarker=true&marker=${marked.body.next_marker}`, token);
      expect([...names(marked), ...names(rest)]).toEqual(['a', 'b', 'c']);
    });
    await having({ shortEventPageEntries: 2 }, { shortEventPageEntries: 0 }, async () => {
      const first = (await rig.events(token, position, '&limit=100')).body;
      expect(first).toMatchObject({ chunk_size: 2, entries: [{}, {}] });
      const second = (await rig.events(token, first.next_stream_position)).body;
      expect(second).toMatchObject({ chunk_size: 1, entries: [{ source: { name: 'c' } }] });
    });
  });

  it('write the order of a trash listing as one object', async () => {
    const order = async () => (await rig.get('/2.0/folders/trash/items', token)).body.order;
    expect(await order()).toMatchObject([{ by: 'type' }, { by: 'name' }]);
    await having({ trashOrderAsObject: true }, { trashOrderAsObject: false }, async () =>
      expect(await order()).toEqual({ by: 'type', direction: 'ASC' }),
    );
  });

  it('do without a trash: what is deleted is gone', async () => {
    const id = await rig.file(token, top, fresh('gone'));
    await having({ deletePermanently: true }, { deletePermanently: false }, async () => {
      expect((await drop(`/2.0/files/${id}`)).status).toBe(204);
      expect((await rig.get(`/2.0/files/${id}`, token)).body.code).toBe('not_found');
      expect((await rig.get(`/2.0/files/${id}/trash`, token)).status).toBe(404);
    });
  });

  it('say when the trash is emptied', async () => {
    const id = await rig.file(token, top, fresh('fading'));
    await drop(`/2.0/files/${id}`);
    const days = async () => {
      const { trashed_at, purged_at } = (await rig.get(`/2.0/files/${id}/trash`, token)).body;
      return (Date.parse(purged_at) - Date.parse(trashed_at)) / 86_400_000;
    };
    expect(await days()).toBe(30);
    await having({ trashLifetimeDays: 7 }, { trashLifetimeDays: 30 }, async () =>
      expect(await days()).toBe(7),
    );
  });

  it('tell of everything in a folder that is trashed and restored, or of the folder alone', async () => {
    const there = async (folder: string) => {
      await drop(`/2.0/folders/${folder}?recursive=true`);
      await rig.call('POST', `/2.0/folders/${folder}`, { token, json: {} });
    };
    const alone = await toldOf(there);
    expect(alone).toEqual([`ITEM_TRASH told-${count}`, `ITEM_UNDELETE_VIA_TRASH told-${count}`]);
    await having({ descendantEvents: true }, { descendantEvents: false }, async () =>
      expect(await toldOf(there)).toEqual([
        `ITEM_TRASH told-${count}`,
        'ITEM_TRASH inside',
        `ITEM_UNDELETE_VIA_TRASH told-${count}`,
        'ITEM_UNDELETE_VIA_TRASH inside',
      ]),
    );
  });

  it('show an event’s item as it was, or as it is', async () => {
    const position = await rig.now(token);
    const first = fresh('as-it-was');
    const id = await rig.file(token, top, first);
    await put(`/2.0/files/${id}`, { name: `${first}-now` });
    const uploaded = async () => (await rig.events(token, position)).body.entries[0].source.name;
    expect(await uploaded()).toBe(first);
    await having({ eventSource: 'read' }, { eventSource: 'write' }, async () =>
      expect(await uploaded()).toBe(`${first}-now`),
    );
  });

  it('take two ways of writing one accent for one name, or for two', async () => {
    const again = async () => {
      const name = fresh('e\u0301tude');
      await rig.file(token, top, name);
      return (await rig.upload(token, { name: name.normalize('NFC'), parent: { id: top } }, 'x')).status;
    };
    expect(await again()).toBe(409);
    await having({ nameFolding: 'none' }, { nameFolding: 'nfc' }, async () =>
      expect(await again()).toBe(201),
    );
  });

  it('close the connection after each answer, or keep it', async () => {
    const connection = async () => (await rig.get('/2.0/users/me', token)).headers.get('connection');
    expect(await connection()).toBe('keep-alive');
    await having({ connectionClose: true }, { connectionClose: false }, async () =>
      expect(await connection()).toBe('close'),
    );
  });

  it('let a lock that has run out be seen, and hinder nobody', async () => {
    const { id: friend, token: other } = await rig.appUser(fresh('friend'));
    await rig.share(token, top, friend, 'editor');
    const id = await rig.file(token, top, fresh('locked'));
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    await put(`/2.0/files/${id}`, { lock: { type: 'lock', expires_at } });
    expect((await rig.version(other, id, 'x')).body.code).toBe('access_denied_item_locked');
    await having({ clockOffsetMs: 61_000 }, { clockOffsetMs: 0 }, async () => {
      expect((await rig.get(`/2.0/files/${id}?fields=lock`, other)).body.lock.type).toBe('lock');
      expect((await rig.version(other, id, 'x')).status).toBe(200);
    });
  });
});
