import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Rig, sha1 } from './rig.ts';

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

const fresh = (stem = 'item') => `${stem}-${++count}`;
const put = (path: string, json: unknown, headers = {}) => rig.call('PUT', path, { token, json, headers });

describe('etags, versions and dates', () => {
  it('counts a folder up on rename, move, trash and restore, and not for its children', async () => {
    const target = await rig.folder(token, top, fresh('target'));
    const id = await rig.folder(token, top, fresh('folder'));
    expect((await rig.get(`/2.0/folders/${id}`, token)).body).toMatchObject({ etag: '0', sequence_id: '0' });
    await rig.folder(token, id, 'child');
    expect((await rig.get(`/2.0/folders/${id}`, token)).body.etag).toBe('0');
    expect((await put(`/2.0/folders/${id}`, { name: fresh('renamed') })).body.etag).toBe('1');
    expect((await put(`/2.0/folders/${id}`, { parent: { id: target } })).body.etag).toBe('2');
    await rig.call('DELETE', `/2.0/folders/${id}?recursive=true`, { token });
    expect((await rig.get(`/2.0/folders/${id}/trash`, token)).body).toMatchObject({
      etag: '3',
      item_status: 'trashed',
      path_collection: { total_count: 1, entries: [{ id: '1', name: 'Trash' }] },
    });
    const restored = await rig.call('POST', `/2.0/folders/${id}`, { token, json: {} });
    expect(restored).toMatchObject({
      status: 201,
      body: { etag: '4', item_status: 'active', trashed_at: null },
    });
  });

  it('keeps id, version and hash over a rename, and changes version and hash with the content', async () => {
    const id = await rig.file(token, top, fresh('file'), 'one');
    const before = (await rig.get(`/2.0/files/${id}`, token)).body;
    const renamed = (await put(`/2.0/files/${id}`, { name: fresh('renamed') })).body;
    expect(renamed).toMatchObject({ id, etag: '1', sha1: before.sha1, file_version: before.file_version });
    const changed = (await rig.version(token, id, 'two')).body.entries[0];
    expect(changed).toMatchObject({ id, etag: '2', sha1: sha1('two') });
    expect(changed.file_version.id).not.toBe(before.file_version.id);
    expect(changed.name).toBe(renamed.name);
  });

  it('stores the content dates that were sent, in whole seconds, beside its own', async () => {
    const attributes = {
      name: fresh('dated'),
      parent: { id: top },
      content_created_at: '2020-01-02T03:04:05.678+00:00',
      content_modified_at: '2021-01-02T03:04:05+02:00',
    };
    const made = (await rig.upload(token, attributes, 'x')).body.entries[0];
    expect(Date.parse(made.content_created_at)).toBe(Date.parse('2020-01-02T03:04:05Z'));
    expect(Date.parse(made.content_modified_at)).toBe(Date.parse('2021-01-02T01:04:05Z'));
    expect(made.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-0[78]:00$/);
    const changed = await put(`/2.0/files/${made.id}`, { content_modified_at: '2022-02-02T02:02:02Z' });
    expect(Date.parse(changed.body.content_modified_at)).toBe(Date.parse('2022-02-02T02:02:02Z'));
  });

  it('leaves the etag alone when a file is locked and unlocked', async () => {
    const id = await rig.file(token, top, fresh('locked'));
    const locked = await put(`/2.0/files/${id}?fields=lock,etag`, { lock: { type: 'lock' } });
    expect(locked.body).toMatchObject({ etag: '0', lock: { type: 'lock', is_download_prevented: false } });
    const unlocked = await put(`/2.0/files/${id}?fields=lock`, { lock: null });
    expect(unlocked.body).toMatchObject({ etag: '0', lock: null });
  });

  it('lists past versions only, newest first, and promotes one as a new version', async () => {
    const id = await rig.file(token, top, fresh('history'), 'one');
    await rig.version(token, id, 'two');
    await rig.version(token, id, 'three');
    const past = (await rig.get(`/2.0/files/${id}/versions`, token)).body;
    expect(past.entries.map((entry: { sha1: string }) => entry.sha1)).toEqual([sha1('two'), sha1('one')]);
    const promoted = await rig.call('POST', `/2.0/files/${id}/versions/current`, {
      token,
      json: { type: 'file_version', id: past.entries[1].id },
    });
    expect(promoted.status).toBe(201);
    expect(promoted.body.id).not.toBe(past.entries[1].id);
    expect((await rig.get(`/2.0/files/${id}`, token)).body).toMatchObject({
      sha1: sha1('one'),
      etag: '3',
      file_version: { id: promoted.body.id },
    });
    expect((await rig.download(token, id)).toString()).toBe('one');
    expect((await rig.download(token, id, `?version=${past.entries[0].id}`)).toString()).toBe('two');
  });
});

describe('listings', () => {
  it('orders folders, files and web links, each by name, in pages by offset', async () => {
    const folder = await rig.folder(token, top, fresh('listing'));
    await rig.file(token, folder, 'b.txt');
    await rig.file(token, folder, 'A.txt');
    await rig.folder(token, folder, 'z');
    await rig.call('POST', '/2.0/web_links', {
      token,
      json: { url: 'https://example.org/', name: 'link', parent: { id: folder } },
    });
    const first = (await rig.get(`/2.0/folders/${folder}/items?limit=3`, token)).body;
    expect(first).toMatchObject({
      total_count: 4,
      offset: 0,
      limit: 3,
      order: [{ by: 'type' }, { by: 'name' }],
    });
    expect(first.entries.map((entry: { name: string }) => entry.name)).toEqual(['z', 'A.txt', 'b.txt']);
    const second = (await rig.get(`/2.0/folders/${folder}/items?limit=3&offset=3`, token)).body;
    expect(second.entries.map((entry: { type: string }) => entry.type)).toEqual(['web_link']);
    const clamped = (await rig.get(`/2.0/folders/${folder}/items?limit=5000`, token)).body;
    expect(clamped.limit).toBe(1000);
  });

  it('pages by marker without total_count, to an end written in any of three ways', async () => {
    const folder = await rig.folder(token, top, fresh('marked'));
    for (const name of ['a', 'b', 'c', 'd', 'e']) await rig.file(token, folder, name);
    const names: string[] = [];
    let marker: string | null = '';
    for (let page = 0; page < 10; page += 1) {
      const answer: Answer['body'] = (
        await rig.get(`/2.0/folders/${folder}/items?usemarker=true&limit=2&marker=${marker}`, token)
      ).body;
      expect(answer).not.toHaveProperty('total_count');
      names.push(...answer.entries.map((entry: { name: string }) => entry.name));
      marker = answer.next_marker;
      if (marker === null) break;
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
    await rig.settings({ endMarker: 'empty' });
    expect((await rig.get(`/2.0/folders/${folder}/items?usemarker=true`, token)).body.next_marker).toBe('');
    await rig.settings({ endMarker: 'absent' });
    expect((await rig.get(`/2.0/folders/${folder}/items?usemarker=true`, token)).body).not.toHaveProperty(
      'next_marker',
    );
    await rig.settings({ endMarker: 'null' });
  });

  it('gives base and asked fields only, on folders too', async () => {
    const folder = await rig.folder(token, top, fresh('fields'));
    await rig.folder(token, folder, 'sub');
    const { entries } = (await rig.get(`/2.0/folders/${folder}/items?fields=name,size`, token)).body;
    expect(entries[0]).toEqual({ type: 'folder', id: expect.any(String), etag: '0', name: 'sub', size: 0 });
    const permissions = (await rig.get(`/2.0/folders/${folder}?fields=permissions`, token)).body.permissions;
    expect(Object.keys(permissions)).toHaveLength(7);
  });

  it('shows the root with nulls and a folder’s size as the sum of what is in it', async () => {
    const folder = await rig.folder(token, top, fresh('sized'));
    const inner = await rig.folder(token, folder, 'inner');
    await rig.file(token, inner, 'five', '12345');
    expect((await rig.get(`/2.0/folders/${folder}`, token)).body.size).toBe(5);
    const root = (await rig.get('/2.0/folders/0', token)).body;
    expect(root).toMatchObject({ id: '0', etag: null, sequence_id: null, parent: null, name: 'All Files' });
    await rig.settings({ floatSizeFromBytes: 5 });
    expect((await rig.get(`/2.0/folders/${folder}?fields=size`, token)).text).toContain('"size":5e+0');
    await rig.settings({ floatSizeFromBytes: 1e14 });
  });
});

describe('moving, copying, deleting', () => {
  it('lets only the case of a name change, and refuses a name that differs by case alone', async () => {
    const name = fresh('Case');
    const id = await rig.file(token, top, name);
    expect((await put(`/2.0/files/${id}`, { name: name.toLowerCase() })).status).toBe(200);
    const clash = await rig.upload(token, { name: name.toUpperCase(), parent: { id: top } }, 'x');
    expect(clash).toMatchObject({ status: 409, body: { context_info: { conflicts: { id, type: 'file' } } } });
  });

  it('takes a whole folder to the trash: nothing in it can be reached, its name is free again', async () => {
    const name = fresh('gone');
    const folder = await rig.folder(token, top, name);
    const file = await rig.file(token, folder, 'inside');
    expect((await rig.call('DELETE', `/2.0/folders/${folder}`, { token })).body.code).toBe(
      'folder_not_empty',
    );
    const deleted = await rig.call('DELETE', `/2.0/folders/${folder}?recursive=true`, { token });
    expect(deleted).toMatchObject({ status: 204, text: '' });
    expect((await rig.get(`/2.0/folders/${folder}`, token)).body).toMatchObject({
      status: 404,
      code: 'trashed',
    });
    expect((await rig.get(`/2.0/files/${file}`, token)).status).toBe(404);
    expect((await rig.get(`/2.0/files/${file}/trash`, token)).status).toBe(404);
    const again = await rig.folder(token, top, name);
    const refused = await rig.call('POST', `/2.0/folders/${folder}`, { token, json: {} });
    expect(refused).toMatchObject({ status: 409, body: { code: 'item_name_in_use' } });
    const restored = await rig.call('POST', `/2.0/folders/${folder}`, {
      token,
      json: { name: fresh('back') },
    });
    expect(restored.status).toBe(201);
    expect((await rig.get(`/2.0/files/${file}`, token)).status).toBe(200);
    expect(again).not.toBe(folder);
  });

  it('removes from the trash for good without an event', async () => {
    const id = await rig.file(token, top, fresh('purged'));
    await rig.call('DELETE', `/2.0/files/${id}`, { token });
    const position = await rig.now(token);
    expect((await rig.call('DELETE', `/2.0/files/${id}/trash`, { token })).status).toBe(204);
    expect((await rig.get(`/2.0/files/${id}/trash`, token)).status).toBe(404);
    expect((await rig.events(token, position)).body.entries).toEqual([]);
  });

  it('copies a tree with new ids that start at etag 0', async () => {
    const folder = await rig.folder(token, top, fresh('source'));
    const file = await rig.file(token, folder, 'content', 'bytes');
    const copy = await rig.call('POST', `/2.0/folders/${folder}/copy`, {
      token,
      json: { parent: { id: top }, name: fresh('copy') },
    });
    expect(copy).toMatchObject({ status: 201, body: { etag: '0', size: 5 } });
    const entry = copy.body.item_collection.entries[0];
    expect(entry).toMatchObject({ name: 'content', sha1: sha1('bytes'), etag: '0' });
    expect(entry.id).not.toBe(file);
    expect((await rig.download(token, entry.id)).toString()).toBe('bytes');
  });

  it('moves without looking at If-Match, and checks it for everything else', async () => {
    const target = await rig.folder(token, top, fresh('target'));
    const id = await rig.file(token, top, fresh('moving'));
    const stale = { 'if-match': '7' };
    expect((await put(`/2.0/files/${id}`, { name: fresh() }, stale)).status).toBe(412);
    expect((await put(`/2.0/files/${id}`, { parent: { id: target } }, stale)).status).toBe(200);
    expect((await rig.version(token, id, 'x', stale)).status).toBe(412);
    expect((await rig.call('DELETE', `/2.0/files/${id}`, { token, headers: stale })).status).toBe(412);
    expect((await rig.get(`/2.0/files/${id}`, token, { 'if-none-match': '1' })).status).toBe(304);
  });
});

describe('content', () => {
  it('sends content from another origin, whole and in ranges, for as long as the link lives', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
    const id = await rig.file(token, top, fresh('ranged'), bytes);
    const redirect = await rig.get(`/2.0/files/${id}/content`, token);
    const location = redirect.headers.get('location') ?? '';
    expect(redirect.status).toBe(302);
    expect(new URL(location).origin).not.toBe(rig.url);
    expect(Buffer.from(await (await fetch(location)).arrayBuffer()).equals(bytes)).toBe(true);
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      ['bytes=99990-', 99_990, 100_000],
      ['bytes=-5', 99_995, 100_000],
      ['bytes=50000-200000', 50_000, 100_000],
    ] as const) {
      const part = await fetch(location, { headers: { range } });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/100000`);
      expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(start, end))).toBe(true);
    }
    expect((await fetch(location, { headers: { range: 'bytes=100000-' } })).status).toBe(416);
    await rig.settings({ clockOffsetMs: 901_000 });
    expect((await fetch(location)).status).toBe(404);
    await rig.settings({ clockOffsetMs: 0 });
  });

  it('answers 202 while an upload is not ready to be downloaded', async () => {
    await rig.settings({ downloadReadyAfterMs: 60_000 });
    const id = await rig.file(token, top, fresh('early'));
    const answer = await rig.get(`/2.0/files/${id}/content`, token);
    expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([202, true]);
    await rig.settings({ downloadReadyAfterMs: 0 });
    expect((await rig.get(`/2.0/files/${id}/content`, token)).status).toBe(302);
  });

  it('takes empty files', async () => {
    const id = await rig.file(token, top, fresh('empty'), '');
    expect((await rig.get(`/2.0/files/${id}`, token)).body).toMatchObject({ size: 0, sha1: sha1('') });
    expect(await rig.download(token, id)).toHaveLength(0);
  });

  it('refuses content that is not what its digest says, and keeps nothing of it', async () => {
    const attributes = { name: fresh('digest'), parent: { id: top } };
    const refused = await rig.upload(token, attributes, 'x', { 'content-md5': sha1('y') });
    expect(refused).toMatchObject({ status: 400, body: { code: 'bad_digest' } });
    expect((await rig.upload(token, attributes, 'x', { 'content-md5': sha1('x') })).status).toBe(201);
  });
});
