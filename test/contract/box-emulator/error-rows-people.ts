import { type ErrorRow, json, type World, withApp, wrong } from './world.ts';

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
    message: 'User with the specified login already exists',
  },
  {
    name: 'a user without a login',
    run: (world) => json(world, 'POST', '/2.0/users', { name: 'x' }),
    status: 400,
    code: 'bad_request',
    context: wrong('login', 'missing_parameter'),
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
    message: 'A resource with this value already exists',
    context: wrong('name'),
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
    message: 'A resource with this value already exists',
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
    message: 'Root folder cannot be collaborated',
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
    context: {
      errors: [
        {
          reason: 'invalid_parameter',
          name: 'collab',
          message: "Invalid value '123'. 'collab' with value '123' not found",
        },
      ],
    },
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
  {
    name: 'a user’s change to a login that is in use',
    run: (world) => json(world, 'PUT', `/2.0/users/${world.viewer.id}`, { login: 'admin@emulator.example' }),
    status: 409,
    code: 'user_login_already_used',
  },
  {
    name: 'an external id that another app user has',
    run: async (world) => {
      const body = { name: 'x', is_platform_access_only: true, external_app_user_id: world.fresh() };
      await json(world, 'POST', '/2.0/users', body);
      return json(world, 'POST', '/2.0/users', body);
    },
    status: 409,
    code: 'conflict',
    context: wrong('external_app_user_id'),
  },
  {
    name: 'the service account’s deletion',
    run: ({ rig, owner }) =>
      rig.call('DELETE', `/2.0/users/${rig.running.serviceAccountId}?force=true`, { token: owner }),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a managed user who is out of reach for an app with app access alone',
    run: (world) =>
      withApp(world, { access: 'app', reauthorise: true }, { access: 'enterprise', reauthorise: true }, () =>
        world.rig.get(`/2.0/users/${world.rig.running.adminUserId}`, world.owner),
      ),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a group that is not there',
    run: ({ rig, owner }) => rig.get('/2.0/groups/123', owner),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a membership that is not there',
    run: ({ rig, owner }) => rig.call('DELETE', '/2.0/group_memberships/123', { token: owner }),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a role on a file that only folders have',
    run: (world) => share(world, { item: { type: 'file', id: world.file }, role: 'uploader' }),
    status: 400,
    code: 'bad_request',
    context: wrong('role'),
  },
  {
    name: 'an invitation to more than the inviter may',
    run: (world) => share(world, { role: 'co-owner' }, world.editor.token),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'an invitation to a folder that the user may not see',
    run: (world) => share(world, {}, world.stranger.token),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'an answer to an invitation that is accepted already',
    run: async (world) => {
      const { id } = await world.rig.appUser('invited');
      const { body } = await world.rig.share(world.owner, world.folder, id, 'viewer');
      return json(world, 'PUT', `/2.0/collaborations/${body.id}`, { status: 'rejected' });
    },
    status: 400,
    code: 'invalid_status',
    message: 'You can change the status only if the collaboration is pending',
  },
  ...(
    [
      ['an administrator', ({ rig }) => rig.running.adminUserId],
      ['a user who is not there', () => '123'],
    ] as readonly (readonly [string, (world: World) => string])[]
  ).map(
    ([whom, id]): ErrorRow => ({
      name: `an as-user header for ${whom}`,
      run: (world) => world.rig.get('/2.0/users/me', world.owner, { 'as-user': id(world) }),
      status: 403,
      code: 'access_denied_insufficient_permissions',
    }),
  ),
  {
    name: 'an as-user header where its switch is off',
    run: (world) =>
      withApp(
        world,
        { asUserHeader: false, reauthorise: true },
        { asUserHeader: true, reauthorise: true },
        () => world.rig.get('/2.0/users/me', world.owner, { 'as-user': world.editor.id }),
      ),
    status: 403,
    code: 'access_denied_insufficient_permissions',
    message: 'Access denied - insufficient permission',
  },
];
