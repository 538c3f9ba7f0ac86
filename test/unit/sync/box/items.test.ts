import { afterEach, describe, expect, it } from 'vitest';
import { TransientError } from '../../../../src/errors.ts';
import { remoteId } from '../../../../src/ids.ts';
import { seededRandom } from '../../../../src/random.ts';
import { BoxItems } from '../../../../src/sync/box/items.ts';
import { BoxUploads } from '../../../../src/sync/box/uploads.ts';
import { sourceOf } from '../../../contract/remote-store/source.ts';
import { json, type Reply, rawServer } from './raw-server.ts';
import { testSession } from './test-session.ts';

const FOLDER = remoteId('9');
const SHA1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';
const file = (id: string, more: Record<string, unknown> = {}) => ({
  type: 'file',
  id,
  etag: '0',
  name: `file ${id}`,
  size: 0,
  sha1: SHA1.toUpperCase(),
  file_version: { type: 'file_version', id: `v${id}` },
  content_modified_at: '2026-01-02T03:04:05-08:00',
  modified_at: '2026-01-02T03:04:06-08:00',
  created_by: { type: 'user', id: '7', name: 'somebody' },
  modified_by: null,
  item_status: 'active',
  ...more,
});

describe('BoxItems', () => {
  let close: () => Promise<void> = async () => {};
  afterEach(() => close());
  const itemsAt = async (...replies: Reply[]) => {
    const server = await rawServer(replies);
    close = server.close;
    const { session } = testSession(server.url);
    const items = new BoxItems(session);
    return { items, uploads: new BoxUploads({ session, items, random: seededRandom(1) }), server };
  };

  it.each([[null], [''], [undefined]])(
    'takes the marker %j for the end of a listing',
    async (next_marker) => {
      const { items, server } = await itemsAt(
        json(200, { entries: [file('1')], next_marker: 'more' }),
        json(200, { entries: [file('2'), file('1')], next_marker }),
      );
      const entries = await items.list(FOLDER);
      expect(entries?.map(({ id }) => id)).toEqual(['1', '2']);
      const queries = server.received.map(({ path }) => new URL(path, 'http://x').searchParams);
      expect(queries.map((query) => query.get('marker'))).toEqual([null, 'more']);
      expect(queries[0]?.get('limit')).toBe('1000');
    },
  );

  it('reads an entry as Box writes it', async () => {
    const { items } = await itemsAt(json(200, { entries: [file('1')] }));
    expect(await items.list(FOLDER)).toEqual([
      {
        kind: 'file',
        id: '1',
        parentId: '9',
        name: 'file 1',
        etag: '0',
        content: { sha1: SHA1, sizeBytes: 0, modifiedAtMs: Date.UTC(2026, 0, 2, 11, 4, 5) },
        versionId: 'v1',
        createdBy: { id: '7', name: 'somebody' },
        modifiedBy: null,
        receivedAtMs: Date.UTC(2026, 0, 2, 11, 4, 6),
      },
    ]);
  });

  it('leaves out web links, kinds it does not know, and what is in the trash', async () => {
    const others = [
      { type: 'web_link', id: '5', name: 'link' },
      { type: 'hologram', id: '6', name: 'new' },
      file('7', { item_status: 'trashed' }),
      { type: 'folder', id: '8', name: 'kept', etag: '3', size: 1.0034576983313e14 },
    ];
    const { items } = await itemsAt(json(200, { entries: others }));
    expect((await items.list(FOLDER))?.map(({ id }) => id)).toEqual(['8']);
  });

  it('does not take a listing without entries for an empty folder', async () => {
    const { items } = await itemsAt(json(200, {}));
    await expect(items.list(FOLDER)).rejects.toBeInstanceOf(TransientError);
  });

  it('does not read a listing that never ends for ever', async () => {
    const { items, server } = await itemsAt(json(200, { entries: [], next_marker: 'again' }));
    await expect(items.list(FOLDER)).rejects.toMatchObject({ code: 'listing-endless' });
    expect(server.received).toHaveLength(2);
  });

  it.each([
    ['an object', (conflict: unknown) => conflict],
    ['a list', (conflict: unknown) => [conflict]],
  ])('reads who holds a name from %s', async (_shape, shaped) => {
    const conflicts = shaped({ type: 'folder', id: '55', name: 'held' });
    const taken = { type: 'error', status: 409, code: 'item_name_in_use', context_info: { conflicts } };
    const { items } = await itemsAt(json(409, taken));
    expect(await items.holderOf(FOLDER, 'held')).toMatchObject({ id: '55', type: 'folder' });
  });

  it('adopts the file that an unanswered upload left behind', async () => {
    const source = sourceOf('');
    const conflicts = { type: 'file', id: '1', name: 'a', sha1: SHA1 };
    const taken = { type: 'error', status: 409, code: 'item_name_in_use', context_info: { conflicts } };
    const { uploads, server } = await itemsAt(
      (_request, response) => response.destroy(),
      json(409, taken),
      json(200, file('1', { name: 'a', parent: { type: 'folder', id: '9' } })),
    );
    const uploaded = await uploads.create({ parentId: FOLDER, name: 'a', source }, {});
    expect(uploaded.id).toBe('1');
    expect(server.received.map(({ method }) => method)).toEqual(['POST', 'OPTIONS', 'GET']);
  });

  it('sends attributes first, the length, the hash by the name that Box wants, and whole seconds', async () => {
    const source = sourceOf('hello', Date.UTC(2026, 0, 2, 3, 4, 5, 678));
    const stored = file('1', { name: 'a', parent: { type: 'folder', id: '9' }, size: 5, sha1: source.sha1 });
    const { uploads, server } = await itemsAt(json(201, { total_count: 1, entries: [stored] }));
    await uploads.create({ parentId: FOLDER, name: 'a', source }, {});
    const [request] = server.received;
    const body = request?.body.toString() ?? '';
    expect(request?.headers['content-md5']).toBe(source.sha1);
    expect(request?.headers['content-length']).toBe(String(request?.body.byteLength));
    expect(body.indexOf('name="attributes"')).toBeLessThan(body.indexOf('name="file"'));
    expect(body).toContain('"content_modified_at":"2026-01-02T03:04:05+00:00"');
    expect(request?.path).toMatch(/^\/api\/2\.0\/files\/content\?/);
  });

  it('does not take a file for uploaded whose hash differs', async () => {
    const { uploads } = await itemsAt(json(201, { entries: [file('1', { size: 5 })] }));
    const create = uploads.create({ parentId: FOLDER, name: 'a', source: sourceOf('hello') }, {});
    await expect(create).rejects.toMatchObject({ code: 'upload-corrupt' });
  });

  it.each([
    ['active', json(200, file('1')), 'visible'],
    ['trashed, and shown all the same', json(200, file('1', { item_status: 'trashed' })), 'trashed'],
    ['trashed, and refused', json(404, { code: 'trashed' }), 'trashed'],
    ['gone for good', json(200, file('1', { item_status: 'deleted' })), 'hidden'],
    ['unknown', json(404, { code: 'not_found' }), 'hidden'],
    ['withdrawn', json(403, { code: 'access_denied_insufficient_permissions' }), 'hidden'],
  ])('knows the visibility of an item that is %s', async (_how, reply, visibility) => {
    const { items } = await itemsAt(reply);
    expect(await items.visibility(remoteId('1'), 'file')).toBe(visibility);
  });

  it("does not take a proxy's refusal for a word about the item", async () => {
    const { items } = await itemsAt(json(403, '<html>blocked by policy</html>'));
    await expect(items.visibility(remoteId('1'), 'folder')).rejects.toMatchObject({ code: 'no-permission' });
  });

  it('looks at the etag itself before a move, which Box does not hold to it', async () => {
    const { items, server } = await itemsAt(
      json(200, file('1', { etag: '4', parent: { type: 'folder', id: '9' } })),
    );
    const move = items.relocate({
      id: remoteId('1'),
      kind: 'file',
      parentId: remoteId('10'),
      name: 'file 1',
      etag: '3',
    });
    await expect(move).rejects.toMatchObject({ code: 'etag-moved' });
    expect(server.received).toHaveLength(1);
  });
});
