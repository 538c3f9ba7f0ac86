import { describe, expect, it } from 'vitest';
import { openSmallRig } from './small-rig.ts';

// What clients write in queries differs from Box's own description: every SDK for Python writes "True", boxsdk
// 3 writes "SHA=", and Box takes it.

const { rig, token, top, fresh, send } = await openSmallRig();

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
