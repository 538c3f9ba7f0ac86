import { describe, expect, it } from 'vitest';
import { openSmallRig } from './small-rig.ts';

const { rig, token, top, fresh, send } = await openSmallRig();

describe('the root', () => {
  // What only a folder with a row of its own could show.
  const NOT_OF_THE_ROOT: readonly string[] = [];

  it('has every field that a folder has', async () => {
    const folder = await rig.folder(token, top, fresh());
    const fields = [
      ...['has_collaborations', 'tags', 'permissions', 'sync_state', 'is_externally_owned', 'metadata'],
      ...['allowed_invitee_roles', 'can_non_owners_invite', 'can_non_owners_view_collaborators'],
      ...['is_collaboration_restricted_to_enterprise', 'watermark_info', 'classification', 'created_at'],
      ...['allowed_shared_link_access_levels', 'is_accessible_via_shared_link', 'item_collection', 'size'],
      ...['is_associated_with_app_item', 'path_collection', 'parent', 'owned_by', 'item_status', 'name'],
    ];
    const query = `?fields=${fields.join(',')}`;
    const [ordinary, root] = [
      (await rig.get(`/2.0/folders/${folder}${query}`, token)).body,
      (await rig.get(`/2.0/folders/0${query}`, token)).body,
    ];
    expect(Object.keys(ordinary).sort()).toEqual(['type', 'id', 'etag', ...fields].sort());
    const missing = Object.keys(ordinary).filter((name) => !(name in root));
    expect(missing).toEqual(NOT_OF_THE_ROOT);
    expect(root).toMatchObject({
      id: '0',
      etag: null,
      has_collaborations: false,
      tags: [],
      parent: null,
      name: 'All Files',
      permissions: { can_upload: true, can_delete: false, can_rename: false, can_invite_collaborator: false },
    });
  });

  it('has the standard fields, in the standard order, when none are asked for', async () => {
    const folder = await rig.folder(token, top, fresh());
    const names = async (id: string) => Object.keys((await rig.get(`/2.0/folders/${id}`, token)).body);
    expect((await names('0')).sort()).toEqual((await names(folder)).sort());
  });
});

describe('pending collaborations', () => {
  const pending = async () => {
    const folder = await rig.folder(token, top, fresh());
    const guest = await rig.appUser(fresh());
    const { body } = await rig.share(token, folder, guest.id, 'editor');
    await send('PUT', `/2.0/collaborations/${body.id}`, { status: 'pending' });
    return { folder, guest, id: body.id as string };
  };

  it('are listed for the one who is invited, without the item', async () => {
    const { guest, id } = await pending();
    const answer = await rig.get('/2.0/collaborations?status=pending', guest.token);
    expect(answer).toMatchObject({
      status: 200,
      body: { total_count: 1, offset: 0, limit: 100, entries: [{ id, status: 'pending', item: null }] },
    });
    expect((await rig.get('/2.0/collaborations?status=pending&offset=1', guest.token)).body.entries).toEqual(
      [],
    );
    expect((await rig.get('/2.0/collaborations?status=pending', token)).body.entries).toEqual([]);
  });

  it.each(['accepted', 'rejected'])('are answered by the one who is invited: %s', async (status) => {
    const { folder, guest, id } = await pending();
    expect((await rig.get(`/2.0/folders/${folder}`, guest.token)).status).toBe(404);
    const answer = await send('PUT', `/2.0/collaborations/${id}`, { status }, { by: guest.token });
    expect(answer).toMatchObject({ status: 200, body: { id, status } });
    expect((await rig.get('/2.0/collaborations?status=pending', guest.token)).body.entries).toEqual([]);
    const seen = status === 'accepted' ? 200 : 404;
    expect((await rig.get(`/2.0/folders/${folder}`, guest.token)).status).toBe(seen);
  });

  it('are not to be made more of by the one who is invited', async () => {
    const { guest, id } = await pending();
    const answer = await send('PUT', `/2.0/collaborations/${id}`, { role: 'co-owner' }, { by: guest.token });
    expect(answer.status).toBe(403);
  });

  it.each(['', '?status=', '?status=accepted'])('are all that can be listed: "%s"', async (query) => {
    const answer = await rig.get(`/2.0/collaborations${query}`, token);
    expect(answer).toMatchObject({ status: 400, body: { context_info: { errors: [{ name: 'status' }] } } });
  });
});

describe('what is not emulated', () => {
  it.each([
    ['GET', '/2.0/search?query=x', 404],
    ['PUT', '/2.0/users/1/folders/0', 404],
    ['GET', '/2.0/group_memberships', 405],
    ['PUT', '/2.0/users/me/memberships', 405],
  ])('is refused by name: %s %s', async (method, path, status) => {
    const answer = await rig.call(method, path, { token });
    const name = `${method} ${path.replace(/\?.*/, '')}`;
    expect(answer).toMatchObject({
      status,
      body: { type: 'error', context_info: { errors: [{ reason: 'not_emulated', name }] } },
    });
  });
});
