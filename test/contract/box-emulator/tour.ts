import { digest } from './rig.ts';
import { json, type World } from './world.ts';

/** Use every endpoint once as it is meant to be used. */
export async function tour(world: World): Promise<void> {
  await tourPeople(world);
  await tourFolders(world);
  await tourFiles(world);
  await tourSessions(world);
  await tourEvents(world);
}

async function tourPeople(world: World): Promise<void> {
  const { rig, owner } = world;
  await rig.grant(await rig.assertion());
  await rig.form({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: owner,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    scope: 'item_download item_upload',
    resource: `https://api.box.com/2.0/folders/${world.folder}`,
  });
  const { clientID, clientSecret } = rig.running.configuration.boxAppSettings;
  const token = await rig.tokenOf(world.editor.id);
  await rig.call('POST', '/oauth2/revoke', {
    body: new URLSearchParams({ client_id: clientID, client_secret: clientSecret, token }).toString(),
  });
  await rig.get('/2.0/users/me', owner);
  await rig.get(
    '/2.0/users/me?fields=role,enterprise,tracking_codes,hostname,is_platform_access_only',
    owner,
  );
  const user = (await json(world, 'POST', '/2.0/users', { name: 'tourist', is_platform_access_only: true }))
    .body;
  await json(world, 'POST', '/2.0/users', {
    name: 'managed',
    login: 'managed@emulator.example',
    job_title: 'guide',
  });
  await rig.get('/2.0/users?filter_term=tour&limit=2', owner);
  await rig.get('/2.0/users?usemarker=true&limit=1', owner);
  await rig.get(`/2.0/users/${user.id}`, owner);
  await json(world, 'PUT', `/2.0/users/${user.id}`, { name: 'traveller', space_amount: -1, phone: '1' });
  const group = (await json(world, 'POST', '/2.0/groups', { name: 'tourists', description: 'who travel' }))
    .body;
  await rig.get('/2.0/groups?filter_term=tour', owner);
  await rig.get(`/2.0/groups/${group.id}`, owner);
  await json(world, 'PUT', `/2.0/groups/${group.id}`, { name: 'travellers' });
  const member = (
    await json(world, 'POST', '/2.0/group_memberships', { user: { id: user.id }, group: { id: group.id } })
  ).body;
  await rig.get(`/2.0/group_memberships/${member.id}`, owner);
  await json(world, 'PUT', `/2.0/group_memberships/${member.id}`, { role: 'admin' });
  await rig.get(`/2.0/groups/${group.id}/memberships`, owner);
  await rig.get(`/2.0/users/${user.id}/memberships`, owner);
  const shared = (
    await json(world, 'POST', '/2.0/collaborations', {
      item: { type: 'folder', id: world.folder },
      accessible_by: { type: 'group', id: group.id },
      role: 'viewer',
      expires_at: '2099-01-01T00:00:00Z',
    })
  ).body;
  await rig.get(`/2.0/collaborations/${shared.id}`, owner);
  await json(world, 'PUT', `/2.0/collaborations/${shared.id}`, { role: 'editor' });
  await rig.get(`/2.0/folders/${world.folder}/collaborations?limit=2`, owner);
  await rig.get(`/2.0/files/${world.file}/collaborations`, owner);
  await rig.get(`/2.0/groups/${group.id}/collaborations`, owner);
  const own = (await rig.share(owner, world.folder, user.id, 'viewer')).body;
  await json(world, 'PUT', `/2.0/collaborations/${own.id}`, { status: 'pending' });
  await rig.get('/2.0/collaborations?status=pending', await rig.tokenOf(user.id));
  for (const path of [`collaborations/${shared.id}`, `group_memberships/${member.id}`, `groups/${group.id}`])
    await rig.call('DELETE', `/2.0/${path}`, { token: owner });
  await rig.call('DELETE', `/2.0/users/${user.id}`, { token: owner });
}

async function tourFolders(world: World): Promise<void> {
  const { rig, owner, folder } = world;
  const made = (await json(world, 'POST', '/2.0/folders', { name: 'sights', parent: { id: folder } })).body;
  const link = (
    await json(world, 'POST', '/2.0/web_links', {
      url: 'https://example.org/map',
      name: 'map',
      parent: { id: made.id },
      description: 'where to go',
    })
  ).body;
  await rig.file(owner, made.id, 'inside');
  await rig.folder(owner, made.id, 'deeper');
  const full =
    'permissions,tags,size,has_collaborations,allowed_invitee_roles,sync_state,is_externally_owned,path_collection';
  for (const path of [
    '/2.0/folders/0',
    `/2.0/folders/0?fields=${full}`,
    '/2.0/folders/0/items',
    '/2.0/folders/0/items?usemarker=true&limit=1',
    `/2.0/folders/${made.id}`,
    `/2.0/folders/${made.id}?fields=${full}`,
    `/2.0/folders/${made.id}/items`,
    `/2.0/folders/${made.id}/items?usemarker=true&limit=1&fields=${full},lock,sha1,url`,
    `/2.0/folders/${made.id}/items?sort=date&direction=DESC`,
    `/2.0/web_links/${link.id}`,
  ])
    await rig.get(path, owner);
  await rig.get(`/2.0/folders/${made.id}`, owner, { 'if-none-match': made.etag });
  await json(world, 'PUT', `/2.0/web_links/${link.id}`, { name: 'chart', url: 'https://example.org/chart' });
  await json(world, 'PUT', `/2.0/folders/${made.id}`, {
    name: 'views',
    description: 'worth it',
    tags: ['a'],
  });
  await json(world, 'POST', `/2.0/folders/${made.id}/copy`, { parent: { id: folder }, name: 'postcards' });
  await rig.call('DELETE', `/2.0/web_links/${link.id}`, { token: owner });
  await rig.get(`/2.0/web_links/${link.id}/trash`, owner);
  await rig.get(`/2.0/web_links/${link.id}`, owner);
  await json(world, 'POST', `/2.0/web_links/${link.id}`, {});
  await rig.call('DELETE', `/2.0/web_links/${link.id}`, { token: owner });
  await rig.call('DELETE', `/2.0/web_links/${link.id}/trash`, { token: owner });
  await rig.call('DELETE', `/2.0/folders/${made.id}?recursive=true`, { token: owner });
  await rig.get('/2.0/folders/trash/items', owner);
  await rig.get('/2.0/folders/trash/items?usemarker=true&limit=1', owner);
  await rig.get(`/2.0/folders/${made.id}/trash`, owner);
  await json(world, 'POST', `/2.0/folders/${made.id}`, { name: 'again' });
  await rig.call('DELETE', `/2.0/folders/${made.id}?recursive=true`, { token: owner });
  await rig.call('DELETE', `/2.0/folders/${made.id}/trash`, { token: owner });
}

async function tourFiles(world: World): Promise<void> {
  const { rig, owner, folder } = world;
  await json(world, 'OPTIONS', '/2.0/files/content', { name: 'diary', size: 5, parent: { id: folder } });
  const id = await rig.file(owner, folder, 'diary');
  await json(world, 'OPTIONS', `/2.0/files/${id}/content`, { size: 5 });
  await rig.version(owner, id, 'day two', { 'if-match': '0' });
  await rig.get(`/2.0/files/${id}`, owner);
  await rig.get(`/2.0/files/${id}`, owner, { 'if-none-match': '1' });
  const full =
    'permissions,tags,lock,version_number,comment_count,extension,is_package,expires_at,has_collaborations,is_externally_owned,allowed_invitee_roles,uploader_display_name,watermark_info';
  await json(world, 'PUT', `/2.0/files/${id}?fields=${full}`, {
    lock: { type: 'lock', expires_at: '2099-01-01T00:00:00Z' },
  });
  await rig.get(`/2.0/files/${id}?fields=${full}`, owner);
  await json(world, 'PUT', `/2.0/files/${id}`, { lock: null, name: 'journal', tags: ['b'] });
  await json(world, 'POST', `/2.0/files/${id}/copy`, { parent: { id: folder }, name: 'copy of the journal' });
  await rig.download(owner, id);
  await rig.settings({ downloadReadyAfterMs: 3_600_000 });
  await rig.get(`/2.0/files/${id}/content`, owner);
  await rig.settings({ downloadReadyAfterMs: 0 });
  const { entries } = (await rig.get(`/2.0/files/${id}/versions`, owner)).body;
  const version = entries[0].id;
  await rig.get(`/2.0/files/${id}/versions/${version}`, owner);
  await json(world, 'POST', `/2.0/files/${id}/versions/current`, { type: 'file_version', id: version });
  await rig.call('DELETE', `/2.0/files/${id}/versions/${version}`, { token: owner });
  await json(world, 'PUT', `/2.0/files/${id}/versions/${version}`, { trashed_at: null });
  await rig.call('DELETE', `/2.0/files/${id}`, { token: owner });
  await rig.get(`/2.0/files/${id}/trash`, owner);
  await rig.get(`/2.0/files/${id}`, owner);
  await json(world, 'POST', `/2.0/files/${id}`, {});
  await rig.call('DELETE', `/2.0/files/${id}`, { token: owner });
  await rig.call('DELETE', `/2.0/files/${id}/trash`, { token: owner });
}

async function tourSessions(world: World): Promise<void> {
  const { rig, owner, folder, file } = world;
  const bytes = Buffer.alloc(1500, 'x');
  const start = () =>
    json(world, 'POST', '/2.0/files/upload_sessions', {
      folder_id: folder,
      file_size: 1500,
      file_name: world.fresh(),
    });
  const { session_endpoints: endpoints } = (await start()).body;
  for (const [from, to] of [
    [0, 1024],
    [1024, 1500],
  ] as const)
    await rig.call('PUT', endpoints.upload_part, {
      token: owner,
      body: bytes.subarray(from, to),
      headers: { 'content-range': `bytes ${from}-${to - 1}/1500`, digest: digest(bytes.subarray(from, to)) },
    });
  await rig.get(endpoints.status, owner);
  const parts = (await rig.get(endpoints.list_parts, owner)).body.entries;
  await rig.settings({ commitProcessingAnswers: 1 });
  for (let attempt = 0; attempt < 2; attempt += 1)
    await json(world, 'POST', endpoints.commit, { parts }, owner, { digest: digest(bytes) });
  await rig.settings({ commitProcessingAnswers: 0 });
  const other = (await json(world, 'POST', `/2.0/files/${file}/upload_sessions`, { file_size: 1500 })).body;
  await rig.call('DELETE', other.session_endpoints.abort, { token: owner });
}

async function tourEvents(world: World): Promise<void> {
  const { rig, owner } = world;
  await rig.events(owner, 'now');
  await rig.events(owner, 0, '&limit=500');
  await rig.events(world.editor.token, 0, '&stream_type=changes');
  await rig.get('/2.0/events?stream_type=admin_logs&stream_position=now', owner);
  await rig.call('OPTIONS', '/2.0/events', { token: owner });
}
