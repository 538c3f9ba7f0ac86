import { during, type ErrorRow, json, type World, wrong } from './world.ts';

const newFolder = (world: World, name: unknown, token = world.owner, parent = world.folder) =>
  json(world, 'POST', '/2.0/folders', { name, parent: { id: parent } }, token);

interface Held {
  readonly moved: string;
  readonly target: string;
  readonly inside: string;
}

/** What is refused in the subtree and at the destination of a folder operation under way. */
const HELD: readonly (readonly [string, (world: World, held: Held) => ReturnType<typeof json>])[] = [
  ['a new folder', (world, { moved }) => newFolder(world, 'x', world.owner, moved)],
  [
    'an upload',
    ({ rig, owner }, { target }) => rig.upload(owner, { name: 'x', parent: { id: target } }, 'x'),
  ],
  ['a version', ({ rig, owner }, { inside }) => rig.version(owner, inside, 'x')],
  ['a rename', (world, { inside }) => json(world, 'PUT', `/2.0/files/${inside}`, { name: 'x' })],
  [
    'a move',
    (world, { moved }) => json(world, 'PUT', `/2.0/folders/${moved}`, { parent: { id: world.folder } }),
  ],
  [
    'a copy',
    (world, { moved }) => json(world, 'POST', `/2.0/folders/${moved}/copy`, { parent: { id: world.folder } }),
  ],
  [
    'a deletion',
    ({ rig, owner }, { moved }) =>
      rig.call('DELETE', `/2.0/folders/${moved}?recursive=true`, { token: owner }),
  ],
  [
    'a web link',
    (world, { target }) =>
      json(world, 'POST', '/2.0/web_links', {
        url: 'https://example.org/',
        name: 'x',
        parent: { id: target },
      }),
  ],
  [
    'a restore',
    async (world, { target }) => {
      const id = await world.rig.file(world.owner, world.folder, world.fresh());
      await world.rig.call('DELETE', `/2.0/files/${id}`, { token: world.owner });
      return json(world, 'POST', `/2.0/files/${id}`, { parent: { id: target } });
    },
  ],
  [
    'a session',
    (world, { target }) =>
      json(world, 'POST', '/2.0/files/upload_sessions', {
        folder_id: target,
        file_size: 5000,
        file_name: 'x',
      }),
  ],
];

/** Refusals about files and folders. */
export const ITEM_ROWS: readonly ErrorRow[] = [
  {
    name: 'a file that is not there',
    run: ({ rig, owner }) => rig.get('/2.0/files/123', owner),
    status: 404,
    code: 'not_found',
    message: 'Not Found',
    context: {
      errors: [
        {
          reason: 'invalid_parameter',
          name: 'item',
          message: "Invalid value '123'. 'item' with value '123' not found",
        },
      ],
    },
  },
  {
    name: 'a file that the user may not see',
    run: ({ rig, stranger, file }) => rig.get(`/2.0/files/${file}`, stranger.token),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a folder by the id of a file',
    run: ({ rig, owner, file }) => rig.get(`/2.0/folders/${file}`, owner),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'an id that is none',
    run: ({ rig, owner }) => rig.get('/2.0/files/abc', owner),
    status: 405,
    code: 'method_not_allowed',
  },
  {
    name: 'an endpoint that there is not',
    run: ({ rig, owner }) => rig.get('/2.0/nothing', owner),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a method that an endpoint does not know',
    run: ({ rig, owner }) => rig.call('DELETE', '/2.0/users/me/memberships', { token: owner }),
    status: 405,
    code: 'method_not_allowed',
  },
  {
    name: 'a missing parameter',
    run: (world) => json(world, 'POST', '/2.0/folders', { name: 'x' }),
    status: 400,
    code: 'bad_request',
    context: {
      errors: [{ reason: 'missing_parameter', name: 'parent', message: "'parent' is required" }],
    },
  },
  {
    name: 'a body that is no JSON',
    run: ({ rig, owner }) => rig.call('POST', '/2.0/folders', { token: owner, body: '{"name":' }),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a name that is too long',
    run: (world) => newFolder(world, 'x'.repeat(256)),
    status: 400,
    code: 'item_name_too_long',
    message: 'Item name too long',
  },
  ...['a/b', 'a\\b', '.', '..', 'trailing ', 'bell\u0007', ''].map(
    (name): ErrorRow => ({
      name: `the name ${JSON.stringify(name)}`,
      run: (world) => newFolder(world, name),
      status: 400,
      code: 'item_name_invalid',
      message: 'Item name invalid',
    }),
  ),
  {
    name: 'a leading space where it is refused',
    run: (world) =>
      during(world, { leadingSpaceInNames: 'reject' }, { leadingSpaceInNames: 'allow' }, () =>
        newFolder(world, ' x'),
      ),
    status: 400,
    code: 'item_name_invalid',
  },
  {
    name: 'a parent that is not there',
    run: (world) => newFolder(world, world.fresh(), world.owner, '123'),
    status: 404,
    code: 'not_found',
    context: wrong('item'),
  },
  {
    name: 'a parent that the user may only view',
    run: (world) => newFolder(world, world.fresh(), world.viewer.token),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a deletion without the right',
    run: ({ rig, viewer, file }) => rig.call('DELETE', `/2.0/files/${file}`, { token: viewer.token }),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a folder that is not empty',
    run: ({ rig, owner, folder }) => rig.call('DELETE', `/2.0/folders/${folder}`, { token: owner }),
    status: 400,
    code: 'folder_not_empty',
    message: 'Cannot delete - folder not empty',
  },
  {
    name: 'a folder moved into itself',
    run: async (world) => {
      const outer = (await newFolder(world, world.fresh())).body.id;
      const inner = (await newFolder(world, 'inner', world.owner, outer)).body.id;
      return json(world, 'PUT', `/2.0/folders/${outer}`, { parent: { id: inner } });
    },
    status: 400,
    code: 'cyclical_folder_structure',
    message: 'Folder move creates cyclical folder structure',
  },
  {
    name: 'a copy of the root',
    run: (world) => json(world, 'POST', '/2.0/folders/0/copy', { parent: { id: world.folder } }),
    status: 500,
    code: 'internal_server_error',
  },
  {
    name: 'the root’s deletion',
    run: ({ rig, owner }) => rig.call('DELETE', '/2.0/folders/0?recursive=true', { token: owner }),
    status: 403,
  },
  {
    name: 'a folder copied into itself',
    run: async (world) => {
      const outer = (await newFolder(world, world.fresh())).body.id;
      const inner = (await newFolder(world, 'inner', world.owner, outer)).body.id;
      return json(world, 'POST', `/2.0/folders/${outer}/copy`, { parent: { id: inner } });
    },
    status: 400,
    code: 'cyclical_folder_structure',
  },
  {
    name: 'a move to a folder that the user may only view',
    run: async (world) => {
      const { rig, owner, fresh, viewer } = world;
      const id = await rig.file(viewer.token, '0', fresh());
      const shown = await rig.folder(owner, '0', fresh());
      await rig.share(owner, shown, viewer.id, 'viewer');
      return json(world, 'PUT', `/2.0/files/${id}`, { parent: { id: shown } }, viewer.token);
    },
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a move to a folder that the user may not see',
    run: async (world) => {
      const id = await world.rig.file(world.stranger.token, '0', world.fresh());
      return json(world, 'PUT', `/2.0/files/${id}`, { parent: { id: world.folder } }, world.stranger.token);
    },
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a change of the root',
    run: (world) => json(world, 'PUT', '/2.0/folders/0', { name: 'mine' }),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  ...HELD.map(
    ([what, attempt]): ErrorRow => ({
      name: `${what} while a folder operation holds the place`,
      run: (world) =>
        during(world, { folderOperationMs: 60_000 }, { folderOperationMs: 0 }, async () => {
          const { rig, owner, folder, fresh } = world;
          const [moved, target] = [
            await rig.folder(owner, folder, fresh()),
            await rig.folder(owner, folder, fresh()),
          ];
          const inside = await rig.file(owner, moved, 'inside');
          await json(world, 'PUT', `/2.0/folders/${moved}`, { parent: { id: target } });
          return attempt(world, { moved, target, inside });
        }),
      status: 409,
      code: 'operation_blocked_temporary',
      message: 'The operation is blocked by another on-going operation',
    }),
  ),
];
