import { describe, expect, it } from 'vitest';
import { digest, sha1 } from './rig.ts';
import { openSmallRig } from './small-rig.ts';

// What Box does with items that were deleted, versions that were brought back, and sessions that are over.

const { rig, token, top, fresh, send } = await openSmallRig();

describe('a trashed item', () => {
  const trashed = async (kind: string) => {
    const name = fresh();
    const link = { url: 'https://a.example', name, parent: { id: top } };
    const id =
      kind === 'files'
        ? await rig.file(token, top, name)
        : kind === 'folders'
          ? await rig.folder(token, top, name)
          : (await send('POST', '/2.0/web_links', link)).body.id;
    await send('DELETE', `/2.0/${kind}/${id}`);
    return { id, name, path: `/2.0/${kind}/${id}` };
  };

  it.each(['files', 'web_links'])('is shown as trashed: %s', async (kind) => {
    const { id, name, path } = await trashed(kind);
    const answer = await rig.get(path, token);
    expect(answer).toMatchObject({ status: 200, body: { id, name, item_status: 'trashed', etag: '1' } });
    expect(answer.body.trashed_at).toMatch(/^\d{4}-/);
    expect(answer.body.path_collection.entries).toMatchObject([{ id: '1', name: 'Trash' }]);
    expect((await rig.get(`${path}?fields=item_status`, token)).body).toEqual({
      type: kind === 'files' ? 'file' : 'web_link',
      id,
      etag: '1',
      item_status: 'trashed',
    });
    expect((await rig.get(path, token, { 'if-none-match': '1' })).status).toBe(304);
  });

  it('is an error if it is a folder', async () => {
    const { path } = await trashed('folders');
    expect(await rig.get(path, token)).toMatchObject({ status: 404, body: { code: 'trashed' } });
  });

  it.each(['files', 'web_links'])(
    'can be neither changed nor deleted again where it was: %s',
    async (kind) => {
      const { path } = await trashed(kind);
      for (const answer of [
        await send('PUT', path, { name: fresh() }),
        await send('DELETE', path),
        ...(kind === 'files' ? [await rig.get(`${path}/content`, token)] : []),
        ...(kind === 'files' ? [await send('POST', `${path}/copy`, { parent: { id: top } })] : []),
      ])
        expect(answer).toMatchObject({ status: 404, body: { code: 'trashed' } });
    },
  );

  it('stays hidden from one who could not see it before', async () => {
    const { path } = await trashed('files');
    const stranger = await rig.appUser(fresh());
    expect(await rig.get(path, stranger.token)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('is gone when it is removed for good', async () => {
    const { path } = await trashed('files');
    await send('DELETE', `${path}/trash`);
    expect(await rig.get(path, token)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });
});

describe('a version that is made current', () => {
  const promote = (id: string, version: string) =>
    send('POST', `/2.0/files/${id}/versions/current`, { type: 'file_version', id: version });
  const renamed = async (parent: string) => {
    const name = fresh();
    const id = await rig.file(token, parent, name, 'one');
    const { body } = await rig.get(`/2.0/files/${id}`, token);
    const later = fresh();
    await rig.version(token, id, 'two', {}, { name: later });
    return { id, name, later, version: body.file_version.id as string };
  };

  it('gives its file the name that it had', async () => {
    const { id, name, version } = await renamed(top);
    expect(await promote(id, version)).toMatchObject({ status: 201, body: { name, sha1: sha1('one') } });
    const { body } = await rig.get(`/2.0/files/${id}`, token);
    expect(body).toMatchObject({ name, sha1: sha1('one'), etag: '2' });
    const listed = await rig.get(`/2.0/folders/${top}/items?limit=1000`, token);
    expect(listed.body.entries).toContainEqual(expect.objectContaining({ id, name }));
  });

  it('is refused where another item holds that name by now, and nothing has changed', async () => {
    const { id, name, later, version } = await renamed(top);
    await rig.file(token, top, name);
    expect(await promote(id, version)).toMatchObject({ status: 409, body: { code: 'item_name_in_use' } });
    expect((await rig.get(`/2.0/files/${id}`, token)).body).toMatchObject({ name: later, sha1: sha1('two') });
  });

  it('waits, as every write does, while an operation on its folder is under way', async () => {
    const folder = await rig.folder(token, top, fresh());
    const { id, version } = await renamed(folder);
    await rig.settings({ folderOperationMs: 60_000 });
    await send('PUT', `/2.0/folders/${folder}`, { parent: { id: await rig.folder(token, '0', fresh()) } });
    const answer = await promote(id, version);
    await rig.settings({ folderOperationMs: 0 });
    expect(answer).toMatchObject({ status: 409, body: { code: 'operation_blocked_temporary' } });
  });
});

describe('a version that was deleted and brought back', () => {
  it('says when, and by whom', async () => {
    const id = await rig.file(token, top, fresh(), 'one');
    const { body } = await rig.get(`/2.0/files/${id}`, token);
    await rig.version(token, id, 'two');
    const path = `/2.0/files/${id}/versions/${body.file_version.id}`;
    const fields = '?fields=trashed_at,trashed_by,restored_at,restored_by,name';
    expect((await rig.get(path + fields, token)).body).toMatchObject({
      restored_at: null,
      restored_by: null,
    });
    await send('DELETE', path);
    const me = { type: 'user', id: rig.running.serviceAccountId };
    expect((await rig.get(path + fields, token)).body).toMatchObject({ restored_at: null, trashed_by: me });
    await send('PUT', path, { trashed_at: null });
    const back = (await rig.get(path + fields, token)).body;
    expect(back).toMatchObject({ trashed_at: null, restored_by: me });
    expect(back.restored_at).toMatch(/^\d{4}-/);
    expect((await rig.get(path, token)).body.restored_at).toBe(back.restored_at);
    // What is not in the trash is not brought back a second time.
    await send('PUT', path, { trashed_at: null });
    expect((await rig.get(path + fields, token)).body).toEqual(back);
    await send('DELETE', path);
    expect((await rig.get(path + fields, token)).body).toMatchObject({
      restored_at: null,
      restored_by: null,
    });
  });

  it('is deleted only if the file has the etag that If-Match names', async () => {
    const id = await rig.file(token, top, fresh(), 'one');
    const { body } = await rig.get(`/2.0/files/${id}`, token);
    await rig.version(token, id, 'two');
    const path = `/2.0/files/${id}/versions/${body.file_version.id}`;
    const remove = (etag: string) => rig.call('DELETE', path, { token, headers: { 'if-match': etag } });
    expect((await remove('7')).status).toBe(412);
    expect((await remove('1')).status).toBe(204);
  });
});

describe('an upload session that was committed', () => {
  const bytes = Buffer.alloc(1500, 'x');
  const committed = async () => {
    const wish = { folder_id: top, file_name: fresh(), file_size: bytes.length };
    const { session_endpoints: urls } = (await send('POST', '/2.0/files/upload_sessions', wish)).body;
    const parts: unknown[] = [];
    for (const [from, to] of [
      [0, 1024],
      [1024, 1500],
    ] as const) {
      const body = bytes.subarray(from, to);
      const headers = { 'content-range': `bytes ${from}-${to - 1}/1500`, digest: digest(body) };
      parts.push((await rig.call('PUT', urls.upload_part, { token, body, headers })).body.part);
    }
    const headers = { digest: digest(bytes) };
    const commit = () => rig.call('POST', urls.commit, { token, json: { parts }, headers });
    const { body } = await commit();
    return { urls, commit, file: body.entries[0].id as string };
  };

  it('can be given up, as often as one likes, and the file stays', async () => {
    const { urls, file } = await committed();
    for (let each = 0; each < 2; each += 1) expect((await send('DELETE', urls.abort)).status).toBe(204);
    expect((await rig.download(token, file)).equals(bytes)).toBe(true);
  });

  it('cannot be given up by another', async () => {
    const { urls } = await committed();
    const stranger = await rig.appUser(fresh());
    expect((await send('DELETE', urls.abort, undefined, { by: stranger.token })).status).toBe(403);
  });

  it('was planned with every part missing, as nothing is known from other uploads', async () => {
    const wish = { folder_id: top, file_name: fresh(), file_size: bytes.length };
    const { id, session_endpoints: urls } = (await send('POST', '/2.0/files/upload_sessions', wish)).body;
    const parts = [{ offset: 0, size: 1024, sha512: 'ab' }];
    const answer = await send('POST', urls.plan, { parts });
    expect(answer).toMatchObject({ status: 200, body: { upload_session_id: id, hits: [], misses: parts } });
    expect((await send('POST', urls.plan, {})).status).toBe(400);
    await send('DELETE', urls.abort);
    expect((await send('POST', urls.plan, { parts })).status).toBe(404);
  });

  it('takes nothing more', async () => {
    const { urls, commit } = await committed();
    expect((await commit()).status).toBe(404);
    expect((await rig.get(urls.status, token)).status).toBe(404);
    expect((await rig.get(urls.list_parts, token)).status).toBe(404);
  });

  it('is forgotten some time after it would have run out, and the file stays', async () => {
    const { urls, file } = await committed();
    await rig.settings({ clockOffsetMs: 15 * 86_400_000 });
    try {
      const late = await rig.service();
      const wish = { folder_id: top, file_name: fresh(), file_size: 2000 };
      await send('POST', '/2.0/files/upload_sessions', wish, { by: late });
      expect((await send('DELETE', urls.abort, undefined, { by: late })).status).toBe(404);
      expect((await rig.download(late, file)).equals(bytes)).toBe(true);
    } finally {
      await rig.settings({ clockOffsetMs: 0 });
    }
  });
});
