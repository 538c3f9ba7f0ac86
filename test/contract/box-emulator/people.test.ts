import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, Rig } from './rig.ts';

let rig: Rig;
let owner: string;
let count = 0;

beforeAll(async () => {
  rig = await Rig.open();
  owner = await rig.service();
});
afterAll(() => rig.close());

const fresh = (name: string) => `${name}-${++count}`;
const post = (path: string, json: unknown) => rig.call('POST', `/2.0${path}`, { token: owner, json });
const put = (path: string, json: unknown) => rig.call('PUT', `/2.0${path}`, { token: owner, json });
const get = (path: string) => rig.get(`/2.0${path}`, owner);
const drop = (path: string) => rig.call('DELETE', `/2.0${path}`, { token: owner });
const ids = (answer: Answer): readonly string[] => answer.body.entries.map((each: { id: string }) => each.id);
const newGroup = async (name = fresh('group')): Promise<string> => (await post('/groups', { name })).body.id;

describe('users', () => {
  it('are created as app users with a login that Box makes up, and as managed users with their own', async () => {
    const app = await post('/users', { name: 'robot', is_platform_access_only: true });
    expect(app).toMatchObject({ status: 201, body: { type: 'user', name: 'robot', status: 'active' } });
    expect(app.body.login).toMatch(/^AppUser_\d+_\w+@boxdevedition\.com$/);
    const managed = await post('/users', { name: 'Eve', login: 'eve@emulator.example', job_title: 'nurse' });
    expect(managed.body).toMatchObject({ login: 'eve@emulator.example', job_title: 'nurse' });
    expect((await get('/users/me')).body.login).toMatch(/^AutomationUser_\w+@boxdevedition\.com$/);
  });

  it('are found by the beginning of their name or login, and not by its middle', async () => {
    const made = (await post('/users', { name: 'Zacharias', login: 'hermit@emulator.example' })).body.id;
    expect(ids(await get('/users?filter_term=zach'))).toEqual([made]);
    expect(ids(await get('/users?filter_term=hermit'))).toEqual([made]);
    expect(ids(await get('/users?filter_term=charias'))).toEqual([]);
    expect(ids(await get('/users?filter_term=%25'))).toEqual([]);
  });

  it('are paged by offset and by marker, to the last and no further', async () => {
    const name = fresh('paged');
    for (let user = 0; user < 4; user += 1) await post('/users', { name, is_platform_access_only: true });
    const all = ids(await get(`/users?filter_term=${name}`));
    expect(all).toHaveLength(4);
    const second = await get(`/users?filter_term=${name}&limit=3&offset=3`);
    expect(second.body).toMatchObject({ total_count: 4, offset: 3, limit: 3 });
    expect(ids(second)).toEqual(all.slice(3));
    const first = await get(`/users?filter_term=${name}&usemarker=true&limit=2`);
    expect(first.body).not.toHaveProperty('total_count');
    const marker = first.body.next_marker;
    const last = await get(`/users?filter_term=${name}&usemarker=true&limit=2&marker=${marker}`);
    expect([...ids(first), ...ids(last)]).toEqual(all);
    expect(last.body.next_marker).toBeNull();
  });

  it('are changed and deleted, and lose their tokens and their place in listings', async () => {
    const { id, token } = await rig.appUser(fresh('short-lived'));
    const changed = await put(`/users/${id}`, { name: 'renamed', space_amount: 1000 });
    expect(changed.body).toMatchObject({ id, name: 'renamed', space_amount: 1000 });
    await put(`/users/${id}`, { status: 'inactive' });
    expect((await rig.get('/2.0/users/me', token)).status).toBe(401);
    await put(`/users/${id}`, { status: 'active' });
    expect((await rig.get('/2.0/users/me', token)).status).toBe(200);
    await rig.folder(token, '0', 'mine');
    expect((await drop(`/users/${id}?force=true`)).status).toBe(204);
    expect((await get(`/users/${id}`)).status).toBe(404);
    expect((await rig.get('/2.0/users/me', token)).status).toBe(401);
  });
});

describe('groups and their members', () => {
  it('are created, found by the beginning of their name, changed and deleted', async () => {
    const name = fresh('Ward');
    const id = await newGroup(name);
    expect(ids(await get(`/groups?filter_term=${name.toLowerCase()}`))).toEqual([id]);
    expect(ids(await get(`/groups?filter_term=${name.slice(1)}`))).toEqual([]);
    expect((await get(`/groups/${id}`)).body).toMatchObject({ type: 'group', id, name });
    expect((await put(`/groups/${id}`, { name: `${name}s` })).body.name).toBe(`${name}s`);
    expect((await drop(`/groups/${id}`)).status).toBe(204);
    expect((await get(`/groups/${id}`)).status).toBe(404);
  });

  it('are listed from both sides, change their role, and leave', async () => {
    const group = await newGroup();
    const { id: user } = await rig.appUser(fresh('member'));
    const made = await post('/group_memberships', { user: { id: user }, group: { id: group } });
    expect(made).toMatchObject({
      status: 201,
      body: { type: 'group_membership', user: { id: user }, group: { id: group }, role: 'member' },
    });
    const id = made.body.id;
    expect(ids(await get(`/groups/${group}/memberships`))).toEqual([id]);
    expect(ids(await get(`/users/${user}/memberships`))).toEqual([id]);
    expect((await put(`/group_memberships/${id}`, { role: 'admin' })).body.role).toBe('admin');
    expect((await get(`/group_memberships/${id}`)).body.role).toBe('admin');
    expect((await drop(`/group_memberships/${id}`)).status).toBe(204);
    expect(ids(await get(`/groups/${group}/memberships`))).toEqual([]);
  });
});

describe('collaborations', () => {
  it('of a group are accepted at once, and listed at the folder and at the group', async () => {
    const folder = await rig.folder(owner, '0', fresh('shared'));
    const group = await newGroup();
    const made = await post('/collaborations', {
      item: { type: 'folder', id: folder },
      accessible_by: { type: 'group', id: group },
      role: 'editor',
    });
    expect(made).toMatchObject({
      status: 201,
      body: { status: 'accepted', role: 'editor', accessible_by: { type: 'group', id: group } },
    });
    const id = made.body.id;
    const listed = await get(`/folders/${folder}/collaborations`);
    expect(listed.body).toMatchObject({ next_marker: null, entries: [{ id }] });
    expect(ids(await get(`/groups/${group}/collaborations`))).toEqual([id]);
    expect((await put(`/collaborations/${id}`, { role: 'viewer' })).body.role).toBe('viewer');
    expect((await get(`/collaborations/${id}`)).body.role).toBe('viewer');
    expect((await drop(`/collaborations/${id}`)).status).toBe(204);
    expect(ids(await get(`/folders/${folder}/collaborations`))).toEqual([]);
  });

  it('are paged by marker', async () => {
    const folder = await rig.folder(owner, '0', fresh('crowded'));
    for (let user = 0; user < 3; user += 1)
      await rig.share(owner, folder, (await rig.appUser(fresh('guest'))).id, 'viewer');
    const all = ids(await get(`/folders/${folder}/collaborations`));
    const first = await get(`/folders/${folder}/collaborations?limit=2`);
    const rest = await get(`/folders/${folder}/collaborations?limit=2&marker=${first.body.next_marker}`);
    expect([...ids(first), ...ids(rest)]).toEqual(all);
    expect(rest.body.next_marker).toBeNull();
  });

  it('wait for an answer where a rehearsal takes the acceptance back, and are answered once', async () => {
    const folder = await rig.folder(owner, '0', fresh('offered'));
    const { id, token } = await rig.appUser(fresh('invited'));
    const { body } = await rig.share(owner, folder, id, 'viewer');
    const seen = async () => (await rig.get(`/2.0/folders/${folder}`, token)).status;
    const answer = (status: string) => put(`/collaborations/${body.id}`, { status });
    expect((await answer('pending')).body.status).toBe('pending');
    expect(await seen()).toBe(404);
    expect((await answer('accepted')).status).toBe(200);
    expect(await seen()).toBe(200);
    expect((await answer('accepted')).status).toBe(200);
    expect((await answer('rejected')).body.code).toBe('invalid_status');
    expect(await seen()).toBe(200);
  });

  it('end by themselves at the time they were given', async () => {
    const folder = await rig.folder(owner, '0', fresh('lent'));
    const { id, token } = await rig.appUser(fresh('borrower'));
    await post('/collaborations', {
      item: { type: 'folder', id: folder },
      accessible_by: { type: 'user', id },
      role: 'viewer',
      expires_at: new Date(Date.now() + 600_000).toISOString(),
    });
    expect((await rig.get(`/2.0/folders/${folder}`, token)).status).toBe(200);
    await rig.settings({ clockOffsetMs: 601_000 });
    expect((await rig.get(`/2.0/folders/${folder}`, token)).status).toBe(404);
    await rig.settings({ clockOffsetMs: 0 });
  });

  it('hand an item over to a new owner, with an empty answer', async () => {
    const folder = await rig.folder(owner, '0', fresh('heirloom'));
    const { id, token } = await rig.appUser(fresh('heir'));
    const { body } = await rig.share(owner, folder, id, 'co-owner');
    expect(await put(`/collaborations/${body.id}`, { role: 'owner' })).toMatchObject({
      status: 204,
      text: '',
    });
    expect((await rig.get(`/2.0/folders/${folder}`, token)).body.owned_by.id).toBe(id);
  });
});
