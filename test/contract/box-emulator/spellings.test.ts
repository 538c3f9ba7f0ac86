import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digest, Rig, sha1 } from './rig.ts';

// What clients write differs from Box's own description: nulls for what was not given, "True" as Python writes it,
// header values in other cases. Box takes them, and each of these was sent by a client that works against Box.

let rig: Rig;
let token: string;
let top: string;
let count = 0;
const fresh = () => `spelt-${++count}`;

beforeAll(async () => {
  rig = await Rig.open({ chunkedMinimumBytes: 1000, partSizeBytes: 1024 });
  token = await rig.service();
  top = await rig.folder(token, '0', 'top');
});
afterAll(() => rig.close());

const send = (method: string, path: string, json?: unknown, headers: Readonly<Record<string, string>> = {}) =>
  rig.call(method, path, { token, headers, ...(json === undefined ? {} : { json }) });

/** A body of which every member is null, as a client writes it whose caller gave nothing. */
const nulls = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, null]));

describe('null in a body counts as not given', () => {
  it('for a new version without a name, as boxsdk 3 sends it', async () => {
    const name = fresh();
    const id = await rig.file(token, top, name, 'one');
    const answer = await rig.version(token, id, 'two', {}, { name: null, content_modified_at: null });
    expect(answer).toMatchObject({ status: 200, body: { entries: [{ id, name, sha1: sha1('two') }] } });
  });

  it('for a new file', async () => {
    const attributes = { ...nulls('content_created_at', 'content_modified_at', 'description') };
    const answer = await rig.upload(token, { ...attributes, name: fresh(), parent: { id: top } }, 'x');
    expect(answer.status).toBe(201);
  });

  it.each([
    ['folders', ['name', 'description', 'parent', 'tags', 'shared_link', 'collections', 'sync_state']],
    ['files', ['name', 'description', 'parent', 'tags', 'shared_link', 'collections', 'permissions']],
    ['web_links', ['name', 'description', 'parent', 'url', 'shared_link']],
  ])('for a change of %s', async (collection, names) => {
    const name = fresh();
    const { body } = await made(collection, name);
    const answer = await send('PUT', `/2.0/${collection}/${body.id}`, nulls(...names));
    expect(answer).toMatchObject({ status: 200, body: { name, etag: '0', parent: { id: top } } });
  });

  it.each(['folders', 'files', 'web_links'])('for what comes back from the trash: %s', async (collection) => {
    const name = fresh();
    const { body } = await made(collection, name);
    await send('DELETE', `/2.0/${collection}/${body.id}`);
    const answer = await send('POST', `/2.0/${collection}/${body.id}`, nulls('name', 'parent'));
    expect(answer).toMatchObject({ status: 201, body: { name } });
  });

  it.each(['folders', 'files'])('for a copy of %s', async (collection) => {
    const name = fresh();
    const { body } = await made(collection, name);
    const target = await rig.folder(token, top, fresh());
    const wish = { parent: { id: target }, ...nulls('name', 'version') };
    const answer = await send('POST', `/2.0/${collection}/${body.id}/copy`, wish);
    expect(answer).toMatchObject({ status: 201, body: { name, parent: { id: target } } });
  });

  it('for a new folder and a new web link', async () => {
    const folder = { name: fresh(), parent: { id: top }, ...nulls('description', 'folder_upload_email') };
    expect((await send('POST', '/2.0/folders', { ...folder, sync_state: null })).status).toBe(201);
    const link = { url: 'https://example.org/named', parent: { id: top } };
    const answer = await send('POST', '/2.0/web_links', { ...link, ...nulls('name', 'description') });
    expect(answer).toMatchObject({ status: 200, body: { name: 'example.org named' } });
  });

  it('for a lock', async () => {
    const id = await rig.file(token, top, fresh());
    const lock = { type: 'lock', ...nulls('access', 'expires_at', 'is_download_prevented') };
    const answer = await send('PUT', `/2.0/files/${id}?fields=lock`, { lock });
    expect(answer).toMatchObject({ status: 200, body: { lock: { is_download_prevented: false } } });
  });

  it('for preflight and upload sessions', async () => {
    const wish = { name: fresh(), parent: { id: top }, size: null };
    expect((await send('OPTIONS', '/2.0/files/content', wish)).status).toBe(200);
    const id = await rig.file(token, top, fresh());
    const again = await send('OPTIONS', `/2.0/files/${id}/content`, nulls('name', 'size', 'parent'));
    expect(again.status).toBe(200);
    const session = await send('POST', `/2.0/files/${id}/upload_sessions`, {
      file_size: 2000,
      ...nulls('file_name', 'folder_id'),
    });
    expect(session.status).toBe(201);
  });

  it('for users, groups, memberships and collaborations, which keep what they had', async () => {
    const details = nulls('language', 'job_title', 'phone', 'address', 'timezone', 'tracking_codes');
    const rest = nulls('role', 'space_amount', 'status', 'external_app_user_id', 'is_sync_enabled');
    const user = { name: 'nobody', is_platform_access_only: true, login: null, ...details, ...rest };
    const { body: somebody } = await send('POST', '/2.0/users', user);
    await send('PUT', `/2.0/users/${somebody.id}`, { job_title: 'tester' });
    const kept = await send('PUT', `/2.0/users/${somebody.id}`, {
      ...details,
      ...rest,
      ...nulls('name', 'login', 'notification_email', 'notify', 'is_password_reset_required'),
    });
    expect(kept).toMatchObject({ status: 200, body: { name: 'nobody', job_title: 'tester' } });

    const levels = nulls('provenance', 'external_sync_identifier', 'invitability_level');
    const { body: group } = await send('POST', '/2.0/groups', {
      name: fresh(),
      description: 'kept',
      member_viewability_level: null,
      ...levels,
    });
    const path = `/2.0/groups/${group.id}`;
    const changed = await send('PUT', `${path}?fields=name,description`, nulls('name', 'description'));
    expect(changed).toMatchObject({ status: 200, body: { name: group.name, description: 'kept' } });

    const member = { user: { id: somebody.id }, group: { id: group.id } };
    const joined = await send('POST', '/2.0/group_memberships', {
      ...member,
      ...nulls('role', 'configurable_permissions'),
    });
    expect(joined).toMatchObject({ status: 201, body: { role: 'member' } });
    const same = await send('PUT', `/2.0/group_memberships/${joined.body.id}`, nulls('role'));
    expect(same).toMatchObject({ status: 200, body: { role: 'member' } });

    const invited = await send('POST', '/2.0/collaborations?notify=False', {
      item: { type: 'folder', id: top },
      accessible_by: { type: 'user', id: somebody.id, login: null },
      role: 'viewer',
      ...nulls('can_view_path', 'is_access_only', 'expires_at'),
    });
    expect(invited.status).toBe(201);
    const still = await send('PUT', `/2.0/collaborations/${invited.body.id}`, {
      ...nulls('role', 'status', 'expires_at', 'can_view_path'),
    });
    expect(still).toMatchObject({ status: 200, body: { role: 'viewer', status: 'accepted' } });
  });

  it('but not where it is required, nor as an id', async () => {
    for (const [parent, name] of [
      [null, 'parent'],
      [{}, 'parent.id'],
      [{ id: null }, 'parent.id'],
    ] as const) {
      const answer = await send('POST', '/2.0/folders', { name: fresh(), parent });
      expect(answer).toMatchObject({ status: 400, body: { context_info: { errors: [{ name }] } } });
    }
  });

  it('and what would ask for something that is not emulated is refused, not passed over', async () => {
    const file = await rig.file(token, top, fresh());
    const folder = await rig.folder(token, top, fresh());
    for (const [path, body] of [
      [`/2.0/files/${file}`, { shared_link: {} }],
      [`/2.0/files/${file}`, { disposition_at: '2030-01-01T00:00:00Z' }],
      [`/2.0/folders/${folder}`, { collections: [{ id: '1' }] }],
      [`/2.0/folders/${folder}`, { can_non_owners_invite: false }],
    ] as const) {
      const answer = await send('PUT', path, body);
      const [name] = Object.keys(body);
      expect(answer).toMatchObject({ status: 400, body: { context_info: { errors: [{ name }] } } });
      expect(answer.text).toContain('emulated');
    }
  });
});

async function made(collection: string, name: string) {
  const body = { name, parent: { id: top } };
  if (collection === 'folders') return send('POST', '/2.0/folders', body);
  if (collection === 'web_links')
    return send('POST', '/2.0/web_links', { ...body, url: 'https://a.example' });
  return { body: { id: await rig.file(token, top, name) } };
}

describe('a switch in the query', () => {
  const SPELLINGS = ['true', 'True', 'TRUE'];

  it.each(SPELLINGS)('pages by marker to the end: usemarker=%s', async (spelling) => {
    const folder = await rig.folder(token, top, fresh());
    for (let each = 0; each < 8; each += 1) await rig.file(token, folder, `f${each}`);
    const seen: string[] = [];
    let marker = '';
    do {
      const path = `/2.0/folders/${folder}/items?limit=3&usemarker=${spelling}&marker=${marker}`;
      const { body } = await rig.get(path, token);
      seen.push(...body.entries.map((entry: { name: string }) => entry.name));
      marker = body.next_marker ?? '';
    } while (marker !== '');
    expect(seen).toHaveLength(8);
  });

  it.each(SPELLINGS)('pages by marker: users and the trash, usemarker=%s', async (spelling) => {
    for (const path of ['/2.0/users', '/2.0/folders/trash/items']) {
      const { body } = await rig.get(`${path}?usemarker=${spelling}`, token);
      expect(Object.keys(body)).toContain('next_marker');
    }
  });

  it.each(SPELLINGS)('deletes with all that is inside: %s', async (spelling) => {
    const folder = await rig.folder(token, top, fresh());
    await rig.file(token, folder, 'inside');
    expect((await send('DELETE', `/2.0/folders/${folder}?recursive=${spelling}`)).status).toBe(204);
    const user = await rig.appUser(fresh());
    await rig.file(user.token, '0', 'owned');
    expect((await send('DELETE', `/2.0/users/${user.id}?force=${spelling}&notify=False`)).status).toBe(204);
  });

  it.each(['false', 'False', ''])('is off as well in every spelling: "%s"', async (spelling) => {
    const folder = await rig.folder(token, top, fresh());
    await rig.file(token, folder, 'inside');
    expect((await send('DELETE', `/2.0/folders/${folder}?recursive=${spelling}`)).status).toBe(400);
    const { body } = await rig.get(`/2.0/folders/${folder}/items?usemarker=${spelling}`, token);
    expect(body.total_count).toBe(1);
  });

  it.each([
    ['GET', '/2.0/folders/0/items', 'usemarker'],
    ['GET', '/2.0/folders/trash/items', 'usemarker'],
    ['GET', '/2.0/users', 'usemarker'],
    ['DELETE', '/2.0/folders/TOP', 'recursive'],
    ['DELETE', '/2.0/users/ME', 'force'],
    ['DELETE', '/2.0/users/ME', 'notify'],
    ['POST', '/2.0/collaborations', 'notify'],
  ])('is refused when it says neither: %s %s?%s', async (method, path, name) => {
    const { id } = await rig.appUser(fresh());
    const real = path.replace('TOP', top).replace('ME', id);
    for (const value of ['yes', '1', '0']) {
      const body = method === 'POST' ? {} : undefined;
      const answer = await send(method, `${real}?${name}=${value}`, body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request' } });
      expect(answer.body.context_info.errors).toMatchObject([{ name, reason: 'invalid_parameter' }]);
    }
  });
});

describe('a listing never ends, or begins anew, because a parameter was not understood', () => {
  it.each([
    ['/2.0/folders/TOP/items?marker=x', 'marker'],
    ['/2.0/folders/TOP/items?usemarker=true&offset=3', 'offset'],
    ['/2.0/users?marker=5', 'marker'],
    ['/2.0/users?usemarker=true&marker=x', 'marker'],
    ['/2.0/users?usemarker=true&offset=3', 'offset'],
    ['/2.0/users?user_type=everybody', 'user_type'],
    ['/2.0/folders/trash/items?usemarker=true&marker=x', 'marker'],
    ['/2.0/folders/trash/items?sort=colour', 'sort'],
    ['/2.0/folders/trash/items?direction=up', 'direction'],
    ['/2.0/folders/TOP/collaborations?marker=x', 'marker'],
    ['/2.0/folders/TOP/items?limit=-1', 'limit'],
    ['/2.0/groups?offset=-1', 'offset'],
    ['/2.0/files/FILE/versions?limit=some', 'limit'],
  ])('%s', async (path, name) => {
    const file = await rig.file(token, top, fresh());
    const answer = await rig.get(path.replace('TOP', top).replace('FILE', file), token);
    expect(answer.status).toBe(400);
    expect(answer.body.context_info.errors).toMatchObject([{ name }]);
  });

  it.each([
    '/2.0/folders/TOP/items?sort=&direction=&marker=&usemarker=&offset=&limit=&fields=',
    '/2.0/folders/TOP/items?direction=desc&sort=date',
    '/2.0/folders/trash/items?sort=&direction=&marker=&usemarker=&offset=&limit=&fields=',
    '/2.0/users?filter_term=&user_type=&external_app_user_id=&marker=&usemarker=',
    '/2.0/groups?filter_term=&limit=&offset=',
    '/2.0/events?stream_type=&stream_position=&limit=',
    '/2.0/folders/TOP/collaborations?marker=&limit=',
  ])('and what is empty was not given: %s', async (path) => {
    const answer = await rig.get(path.replace('TOP', top), token);
    expect(answer).toMatchObject({ status: 200, body: { entries: expect.any(Array) } });
  });

  it.each([
    ['sort=name&direction=DESC', ['c', 'b', 'a', 'A link']],
    ['sort=date', ['a', 'c', 'b', 'A link']],
    ['sort=size&direction=desc', ['b', 'c', 'a', 'A link']],
    ['sort=id', ['b', 'a', 'c', 'A link']],
  ])('and one by marker keeps the order that was asked for: %s', async (query, expected) => {
    const folder = await rig.folder(token, top, fresh());
    for (const [name, date, content] of [
      ['b', '2022', 'large'],
      ['a', '2020', ''],
      ['c', '2021', 'mid'],
    ] as const) {
      const content_modified_at = `${date}-01-01T00:00:00Z`;
      await rig.upload(token, { name, parent: { id: folder }, content_modified_at }, content);
    }
    await send('POST', '/2.0/web_links', {
      url: 'https://a.example',
      name: 'A link',
      parent: { id: folder },
    });
    const path = `/2.0/folders/${folder}/items?usemarker=true&limit=1`;
    const seen: string[] = [];
    for (let marker = ''; seen.length < 10; ) {
      const { body } = await rig.get(`${path}&${query}&marker=${marker}`, token);
      seen.push(...body.entries.map((entry: { name: string }) => entry.name));
      if (body.next_marker === null) break;
      marker = body.next_marker;
    }
    expect(seen).toEqual(expected);
    const { body } = await rig.get(`${path}&${query}`, token);
    const other = await rig.get(`${path}&sort=name&marker=${body.next_marker}`, token);
    expect(other.body.context_info.errors).toMatchObject([{ name: 'marker' }]);
  });

  it('nor when a page of no entries is asked for', async () => {
    const folder = await rig.folder(token, top, fresh());
    for (const name of ['a', 'b']) await rig.file(token, folder, name);
    for (const path of [`/2.0/folders/${folder}/items`, '/2.0/users']) {
      const { body } = await rig.get(`${path}?usemarker=true&limit=0`, token);
      expect(body.entries).toEqual([]);
      const rest = await rig.get(`${path}?usemarker=true&marker=${body.next_marker}`, token);
      expect(rest.body.entries.length).toBeGreaterThan(0);
    }
  });

  it('and a trash listing by offset has the order that was asked for', async () => {
    const names = ['b', 'c', 'a'].map((letter) => `order-${letter}`);
    for (const name of names) await send('DELETE', `/2.0/files/${await rig.file(token, top, name)}`);
    const listed = async (query: string) => {
      const { body } = await rig.get(`/2.0/folders/trash/items?limit=1000&${query}`, token);
      return body.entries
        .map((each: { name: string }) => each.name)
        .filter((name: string) => /^order-/.test(name));
    };
    expect(await listed('')).toEqual([...names].sort());
    expect(await listed('sort=name&direction=DESC')).toEqual([...names].sort().reverse());
  });
});

describe('headers', () => {
  const bytes = Buffer.alloc(2000, 'x');

  it.each(['sha=', 'SHA=', 'Sha='])(
    'take a digest that is written %s, of parts and of the whole',
    async (prefix) => {
      const spelt = (of: Buffer) => digest(of).replace('sha=', prefix);
      const session = await send('POST', '/2.0/files/upload_sessions', {
        folder_id: top,
        file_name: fresh(),
        file_size: bytes.length,
      });
      const { upload_part, commit } = session.body.session_endpoints;
      const parts: unknown[] = [];
      for (const [from, to] of [
        [0, 1024],
        [1024, 2000],
      ] as const) {
        const part = bytes.subarray(from, to);
        const headers = { 'Content-Range': `Bytes ${from}-${to - 1}/2000`, Digest: spelt(part) };
        const answer = await rig.call('PUT', upload_part, { token, body: part, headers });
        expect(answer.status).toBe(200);
        parts.push(answer.body.part);
      }
      const done = await send('POST', commit, { parts, attributes: null }, { DIGEST: spelt(bytes) });
      expect(done).toMatchObject({ status: 201, body: { entries: [{ sha1: sha1(bytes) }] } });
    },
  );

  it('tell a digest of another kind from none', async () => {
    const session = await send('POST', '/2.0/files/upload_sessions', {
      folder_id: top,
      file_name: fresh(),
      file_size: bytes.length,
    });
    const put = (value: string) =>
      rig.call('PUT', session.body.session_endpoints.upload_part, {
        token,
        body: bytes.subarray(0, 1024),
        headers: { 'content-range': 'bytes 0-1023/2000', digest: value },
      });
    for (const [value, reason] of [
      ['md5=AAAA', 'invalid_parameter'],
      ['', 'missing_parameter'],
    ] as const) {
      const answer = await put(value);
      expect(answer.status).toBe(400);
      expect(answer.body.context_info.errors).toMatchObject([{ name: 'digest', reason }]);
    }
  });

  it('that are empty were not given', async () => {
    const headers = { 'if-match': '', 'content-md5': '', 'as-user': '' };
    const id = await rig.file(token, top, fresh());
    expect((await rig.version(token, id, 'two', headers)).status).toBe(200);
    expect((await rig.get(`/2.0/files/${id}`, token, { 'if-none-match': '' })).status).toBe(200);
    expect((await send('DELETE', `/2.0/files/${id}`, undefined, headers)).status).toBe(204);
  });

  it('ask for a range in any case', async () => {
    const id = await rig.file(token, top, fresh(), '0123456789');
    const { headers } = await rig.get(`/2.0/files/${id}/content`, token);
    const answer = await rig.get(headers.get('location') ?? '', undefined, { Range: 'Bytes=2-4' });
    expect(answer).toMatchObject({ status: 206, text: '234' });
  });
});

describe('ids', () => {
  it('are taken as numbers, too', async () => {
    const made = await send('POST', '/2.0/folders', { name: fresh(), parent: { id: 0 } });
    expect(made.status).toBe(201);
    const file = await rig.upload(token, { name: fresh(), parent: { id: Number(top) } }, 'x');
    expect(file.status).toBe(201);
    const id = Number(file.body.entries[0].id);
    const moved = await send('PUT', `/2.0/files/${id}`, { parent: { id: Number(made.body.id) } });
    expect(moved).toMatchObject({ status: 200, body: { parent: { id: made.body.id } } });
  });
});

describe('fields', () => {
  it.each(['id,role', 'role', 'role,,', ' role '])(
    'are those that were asked for, of memberships too: "%s"',
    async (fields) => {
      const { id } = await rig.appUser(fresh());
      const { body: group } = await send('POST', '/2.0/groups', { name: fresh() });
      const path = `/2.0/group_memberships?fields=${encodeURIComponent(fields)}`;
      const made = await send('POST', path, { user: { id }, group: { id: group.id } });
      expect(made.body).toEqual({ type: 'group_membership', id: expect.any(String), role: 'member' });
      const one = path.replace('?', `/${made.body.id}?`);
      expect((await rig.get(one, token)).body).toEqual(made.body);
      expect((await send('PUT', one, { role: 'admin' })).body).toEqual({ ...made.body, role: 'admin' });
    },
  );

  it('may be given one by one', async () => {
    const { body } = await rig.get('/2.0/folders/0?fields=name&fields=size', token);
    expect(Object.keys(body).sort()).toEqual(['etag', 'id', 'name', 'size', 'type']);
  });
});

describe('a copy', () => {
  it('is one of the version that is asked for', async () => {
    const id = await rig.file(token, top, fresh(), 'one');
    const { body } = await rig.get(`/2.0/files/${id}`, token);
    await rig.version(token, id, 'two');
    const target = await rig.folder(token, top, fresh());
    const wish = { parent: { id: target }, version: body.file_version.id };
    const answer = await send('POST', `/2.0/files/${id}/copy`, wish);
    expect(answer).toMatchObject({ status: 201, body: { sha1: sha1('one') } });
    const none = await send('POST', `/2.0/files/${id}/copy`, { ...wish, name: 'other', version: '1' });
    expect(none.status).toBe(404);
  });
});
