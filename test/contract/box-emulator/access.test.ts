import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rig } from './rig.ts';

let rig: Rig;
let owner: string;
let count = 0;

beforeAll(async () => {
  rig = await Rig.open();
  owner = await rig.service();
});
afterAll(() => rig.close());

/** What each role may do. Source: support.box.com 360044196413. */
const ROLES = {
  'co-owner': { list: 1, download: 1, upload: 1, version: 1, rename: 1, remove: 1, invite: 1 },
  editor: { list: 1, download: 1, upload: 1, version: 1, rename: 1, remove: 1, invite: 1 },
  'viewer uploader': { list: 1, download: 1, upload: 1, version: 1, rename: 0, remove: 0, invite: 0 },
  'previewer uploader': { list: 1, download: 0, upload: 1, version: 0, rename: 0, remove: 0, invite: 0 },
  viewer: { list: 1, download: 1, upload: 0, version: 0, rename: 0, remove: 0, invite: 0 },
  previewer: { list: 1, download: 0, upload: 0, version: 0, rename: 0, remove: 0, invite: 0 },
  uploader: { list: 1, download: 0, upload: 1, version: 0, rename: 0, remove: 0, invite: 0 },
} as const;

describe('roles', () => {
  it.each(Object.entries(ROLES))(
    'lets a %s do what the role says, and refuses the rest with 403',
    async (role, may) => {
      const folder = await rig.folder(owner, '0', `roles-${++count}`);
      const file = await rig.file(owner, folder, 'file');
      const spare = await rig.file(owner, folder, 'spare');
      const { id, token } = await rig.appUser(`user-${count}`);
      expect((await rig.get(`/2.0/folders/${folder}`, token)).status).toBe(404);
      expect((await rig.share(owner, folder, id, role)).body).toMatchObject({ status: 'accepted', role });
      const done = {
        list: await rig.get(`/2.0/folders/${folder}/items`, token),
        download: await rig.get(`/2.0/files/${file}/content`, token),
        upload: await rig.upload(token, { name: 'new', parent: { id: folder } }, 'x'),
        version: await rig.version(token, file, 'y'),
        rename: await rig.call('PUT', `/2.0/files/${file}`, { token, json: { name: 'renamed' } }),
        remove: await rig.call('DELETE', `/2.0/files/${spare}`, { token }),
        invite: await rig.share(token, folder, rig.running.adminUserId, 'viewer'),
      };
      for (const [action, allowed] of Object.entries(may)) {
        const { status } = done[action as keyof typeof may];
        expect([action, status < 400 ? 1 : 0]).toEqual([action, allowed]);
        if (allowed === 0) expect([action, status]).toEqual([action, 403]);
      }
      const { permissions } = (await rig.get(`/2.0/files/${file}?fields=permissions`, token)).body;
      expect(Object.keys(permissions)).toHaveLength(12);
      expect([permissions.can_download, permissions.can_rename]).toEqual([
        may.download === 1,
        may.rename === 1,
      ]);
    },
  );

  it('go on where the owner has left for another enterprise, which the folder then tells', async () => {
    const made = await rig.call('POST', '/2.0/users', {
      token: owner,
      json: { name: 'partner', login: `partner-${++count}@elsewhere.example` },
    });
    const partner = await rig.tokenOf(made.body.id);
    const folder = await rig.folder(partner, '0', 'from outside');
    await rig.share(partner, folder, rig.running.serviceAccountId, 'editor');
    const path = `/2.0/folders/${folder}?fields=is_externally_owned`;
    expect((await rig.get(path, owner)).body.is_externally_owned).toBe(false);
    await rig.control('POST', `/users/${made.body.id}/leave`);
    expect((await rig.get(path, owner)).body.is_externally_owned).toBe(true);
    expect((await rig.get(`/2.0/users/${made.body.id}`, owner)).status).toBe(404);
    expect((await rig.get('/2.0/users?filter_term=partner', owner)).body.entries).toEqual([]);
    expect((await rig.file(owner, folder, 'still mine to edit')).length).toBeGreaterThan(0);
  });

  it('flow down the tree: a role below adds rights and never takes any', async () => {
    const top = await rig.folder(owner, '0', `waterfall-${++count}`);
    const below = await rig.folder(owner, top, 'below');
    const beside = await rig.folder(owner, top, 'beside');
    const { id, token } = await rig.appUser('waterfall');
    await rig.share(owner, top, id, 'viewer');
    await rig.share(owner, below, id, 'editor');
    expect((await rig.upload(token, { name: 'a', parent: { id: below } }, 'x')).status).toBe(201);
    expect((await rig.upload(token, { name: 'a', parent: { id: beside } }, 'x')).status).toBe(403);
    await rig.share(owner, beside, id, 'previewer');
    const file = await rig.file(owner, beside, 'b');
    expect((await rig.get(`/2.0/files/${file}/content`, token)).status).toBe(302);
  });

  it('of a group reach its members at once, and end with the membership', async () => {
    const folder = await rig.folder(owner, '0', `group-${++count}`);
    const { id, token } = await rig.appUser('member');
    const group = (await rig.call('POST', '/2.0/groups', { token: owner, json: { name: `g-${count}` } })).body
      .id;
    const shared = await rig.call('POST', '/2.0/collaborations', {
      token: owner,
      json: {
        item: { type: 'folder', id: folder },
        accessible_by: { type: 'group', id: group },
        role: 'editor',
      },
    });
    expect(shared).toMatchObject({
      status: 201,
      body: { status: 'accepted', accessible_by: { type: 'group' } },
    });
    const position = await rig.now(token);
    const member = await rig.call('POST', '/2.0/group_memberships', {
      token: owner,
      json: { user: { id }, group: { id: group } },
    });
    const root = (await rig.get('/2.0/folders/0/items', token)).body;
    expect(root.entries).toMatchObject([{ id: folder }]);
    await rig.call('DELETE', `/2.0/group_memberships/${member.body.id}`, { token: owner });
    expect((await rig.get(`/2.0/folders/${folder}`, token)).status).toBe(404);
    const types = (await rig.events(token, position)).body.entries.map(
      (each: { event_type: string }) => each.event_type,
    );
    expect(types).toEqual(['GROUP_ADD_USER', 'GROUP_REMOVE_USER']);
  });
});

describe('what a collaborator sees', () => {
  it('has the shared folder at his root, with the folders above it hidden', async () => {
    const above = await rig.folder(owner, '0', `above-${++count}`);
    const shared = await rig.folder(owner, above, 'shared');
    const file = await rig.file(owner, shared, 'file');
    const { id, token } = await rig.appUser('below');
    await rig.share(owner, shared, id, 'viewer');
    const seen = (await rig.get(`/2.0/folders/${shared}`, token)).body;
    expect(seen.parent.id).toBe('0');
    expect(seen.path_collection).toMatchObject({ total_count: 1, entries: [{ id: '0' }] });
    const path = (await rig.get(`/2.0/files/${file}`, token)).body.path_collection.entries;
    expect(path.map((each: { id: string }) => each.id)).toEqual(['0', shared]);
    expect((await rig.get(`/2.0/folders/${above}`, token)).status).toBe(404);
  });

  it('loses everything below with the collaboration, hears of it, and of no deletion', async () => {
    const folder = await rig.folder(owner, '0', `lost-${++count}`);
    const file = await rig.file(owner, folder, 'file');
    const { id, token } = await rig.appUser('loser');
    const shared = await rig.share(owner, folder, id, 'editor');
    const position = await rig.now(token);
    await rig.call('DELETE', `/2.0/collaborations/${shared.body.id}`, { token: owner });
    for (const path of [`/2.0/folders/${folder}`, `/2.0/files/${file}`, `/2.0/folders/${folder}/items`])
      expect((await rig.get(path, token)).body).toMatchObject({ status: 404, code: 'not_found' });
    const { entries } = (await rig.events(token, position)).body;
    expect(entries).toMatchObject([
      { event_type: 'COLLAB_REMOVE_COLLABORATOR', source: { type: 'collaboration', item: { id: folder } } },
    ]);
  });

  it('is told of nothing that happens where he sees nothing', async () => {
    const folder = await rig.folder(owner, '0', `private-${++count}`);
    const { token } = await rig.appUser('stranger');
    const position = await rig.now(token);
    await rig.file(owner, folder, 'secret');
    expect((await rig.events(token, position)).body.entries).toEqual([]);
    expect((await rig.get('/2.0/folders/0/items', token)).body.entries).toEqual([]);
  });
});

describe('acting for others', () => {
  it('switches the user with the as-user header, and refuses it where it is not allowed', async () => {
    const { id, token } = await rig.appUser('acted-for');
    const as = (userId: string, sender = owner) => rig.get('/2.0/users/me', sender, { 'as-user': userId });
    expect((await as(id)).body.id).toBe(id);
    expect((await as(rig.running.serviceAccountId, token)).status).toBe(403);
    expect((await as(rig.running.adminUserId)).status).toBe(403);
    expect((await as('99')).status).toBe(403);
    await rig.control('POST', '/app', { asUserHeader: false, reauthorise: true });
    expect((await as(id)).body.code).toBe('access_denied_insufficient_permissions');
    await rig.control('POST', '/app', { asUserHeader: true, reauthorise: true });
  });

  it('narrows a token to scopes and one item', async () => {
    const folder = await rig.folder(owner, '0', `narrow-${++count}`);
    const file = await rig.file(owner, folder, 'file');
    const beside = await rig.file(owner, await rig.folder(owner, '0', `beside-${count}`), 'file');
    const narrow = await rig.form({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: owner,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'item_download base_explorer',
      resource: `https://api.box.com/2.0/folders/${folder}`,
    });
    expect(narrow.body.restricted_to).toMatchObject([
      { scope: 'item_download', object: { type: 'folder', id: folder } },
      { scope: 'base_explorer' },
    ]);
    const token = narrow.body.access_token;
    expect((await rig.get(`/2.0/files/${file}/content`, token)).status).toBe(302);
    expect((await rig.call('PUT', `/2.0/files/${file}`, { token, json: { name: 'x' } })).body.code).toBe(
      'insufficient_scope',
    );
    expect((await rig.get(`/2.0/files/${beside}`, token)).status).toBe(403);
    expect((await rig.events(token, 'now')).status).toBe(403);
    expect((await rig.get('/2.0/users', token)).status).toBe(403);
  });

  it('keeps an app with app access alone away from managed users and others’ groups', async () => {
    const admin = await rig.tokenOf(rig.running.adminUserId);
    const foreign = (
      await rig.call('POST', '/2.0/groups', { token: admin, json: { name: `foreign-${++count}` } })
    ).body;
    await rig.control('POST', '/app', { access: 'app', reauthorise: true });
    const { entries } = (await rig.get('/2.0/users', owner)).body;
    expect(entries.map((each: { id: string }) => each.id)).not.toContain(rig.running.adminUserId);
    expect((await rig.get(`/2.0/users/${rig.running.adminUserId}`, owner)).status).toBe(404);
    expect((await rig.get(`/2.0/groups/${foreign.id}`, owner)).status).toBe(404);
    await rig.control('POST', '/app', { access: 'enterprise', reauthorise: true });
    expect((await rig.get(`/2.0/groups/${foreign.id}`, owner)).status).toBe(200);
  });

  it('gives scopes that were added only after a new authorisation, and only to new tokens', async () => {
    await rig.control('POST', '/app', { scopes: ['root_readonly'], reauthorise: true });
    const reader = await rig.service();
    expect(
      (await rig.call('POST', '/2.0/folders', { token: reader, json: { name: 'x', parent: { id: '0' } } }))
        .body.code,
    ).toBe('insufficient_scope');
    await rig.control('POST', '/app', { scopes: ['root_readwrite', 'manage_app_users', 'manage_groups'] });
    expect((await rig.get('/2.0/users', await rig.service())).body.code).toBe('insufficient_scope');
    await rig.control('POST', '/app', { reauthorise: true });
    expect((await rig.get('/2.0/users', reader)).status).toBe(403);
    expect((await rig.get('/2.0/users', await rig.service())).status).toBe(200);
  });
});
