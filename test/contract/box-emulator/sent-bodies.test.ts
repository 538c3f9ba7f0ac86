import { describe, expect, it } from 'vitest';
import { sha1 } from './rig.ts';
import { openSmallRig } from './small-rig.ts';

// What clients write in bodies differs from Box's own description: boxsdk 3 sends null for what its caller did not give,
// with every new version, and Box takes it.

const { rig, token, top, fresh, send } = await openSmallRig();

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
