import { type ErrorRow, json, type World } from './world.ts';

const share = (world: World, change: Readonly<Record<string, unknown>>, token = world.owner) =>
  json(
    world,
    'POST',
    '/2.0/collaborations',
    {
      item: { type: 'folder', id: world.folder },
      accessible_by: { type: 'user', id: world.stranger.id },
      role: 'viewer',
      ...change,
    },
    token,
  );

/** Refusals about users, groups and collaborations. */
export const PEOPLE_ROWS: readonly ErrorRow[] = [
  {
    name: 'a login that is in use',
    run: (world) => json(world, 'POST', '/2.0/users', { name: 'x', login: 'admin@emulator.example' }),
    status: 409,
    code: 'user_login_already_used',
  },
  {
    name: 'a user without a login',
    run: (world) => json(world, 'POST', '/2.0/users', { name: 'x' }),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a name of more than 50 characters',
    run: (world) =>
      json(world, 'POST', '/2.0/users', { name: 'x'.repeat(51), is_platform_access_only: true }),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a user who is not there',
    run: ({ rig, owner }) => rig.get('/2.0/users/123', owner),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a group’s name that is taken',
    run: async (world) => {
      const name = world.fresh();
      await json(world, 'POST', '/2.0/groups', { name });
      return json(world, 'POST', '/2.0/groups', { name });
    },
    status: 409,
    code: 'conflict',
  },
  {
    name: 'a member who is one already',
    run: async (world) => {
      const group = (await json(world, 'POST', '/2.0/groups', { name: world.fresh() })).body;
      const member = { user: { id: world.editor.id }, group: { id: group.id } };
      await json(world, 'POST', '/2.0/group_memberships', member);
      return json(world, 'POST', '/2.0/group_memberships', member);
    },
    status: 409,
    code: 'conflict',
  },
  {
    name: 'a collaborator who is one already',
    run: (world) => share(world, { accessible_by: { type: 'user', id: world.editor.id } }),
    status: 400,
    code: 'user_already_collaborator',
    message: 'User is already a collaborator',
  },
  {
    name: 'a collaboration on the root',
    run: (world) => share(world, { item: { type: 'folder', id: '0' } }),
    status: 400,
    code: 'collaborations_not_available_on_root_folder',
  },
  {
    name: 'a collaboration with somebody outside',
    run: (world) => share(world, { accessible_by: { type: 'user', login: 'nobody@else.example' } }),
    status: 400,
    code: 'external_collaboration_restricted',
  },
  {
    name: 'an invitation without the right',
    run: (world) => share(world, {}, world.viewer.token),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a role that there is not',
    run: (world) => share(world, { role: 'king' }),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a collaboration that is not there',
    run: ({ rig, owner }) => rig.get('/2.0/collaborations/123', owner),
    status: 404,
    code: 'not_found',
    message: 'Not Found',
  },
  {
    name: 'an as-user header without the right',
    run: ({ rig, editor, viewer }) => rig.get('/2.0/users/me', editor.token, { 'as-user': viewer.id }),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a user whose content would be lost',
    run: async (world) => {
      const { id, token } = await world.rig.appUser('rich');
      await world.rig.folder(token, '0', 'mine');
      return world.rig.call('DELETE', `/2.0/users/${id}`, { token: world.owner });
    },
    status: 400,
  },
];
