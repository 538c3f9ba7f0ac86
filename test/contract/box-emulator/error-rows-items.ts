import { during, type ErrorRow, json, type World } from './world.ts';

const newFolder = (world: World, name: unknown, token = world.owner, parent = world.folder) =>
  json(world, 'POST', '/2.0/folders', { name, parent: { id: parent } }, token);

/** Refusals about files and folders. */
export const ITEM_ROWS: readonly ErrorRow[] = [
  {
    name: 'a file that is not there',
    run: ({ rig, owner }) => rig.get('/2.0/files/123', owner),
    status: 404,
    code: 'not_found',
    message: 'Not Found',
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
  },
  {
    name: 'a body that is no JSON',
    run: ({ rig, owner }) => rig.call('POST', '/2.0/folders', { token: owner, body: '{"name":' }),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a folder’s name that is taken',
    run: async (world) => {
      const name = world.fresh();
      await newFolder(world, name);
      return newFolder(world, name.toUpperCase());
    },
    status: 409,
    code: 'item_name_in_use',
    message: 'Item with the same name already exists',
  },
  {
    name: 'a folder’s name that a file has',
    run: (world) => newFolder(world, 'WORLD.txt'),
    status: 409,
    code: 'item_name_in_use',
  },
  {
    name: 'a file’s name that is taken',
    run: ({ rig, owner, folder }) => rig.upload(owner, { name: 'world.TXT', parent: { id: folder } }, 'x'),
    status: 409,
    code: 'item_name_in_use',
  },
  {
    name: 'a name that is too long',
    run: (world) => newFolder(world, 'x'.repeat(256)),
    status: 400,
    code: 'item_name_too_long',
  },
  ...['a/b', 'a\\b', '.', '..', 'trailing ', 'bell\u0007', ''].map(
    (name): ErrorRow => ({
      name: `the name ${JSON.stringify(name)}`,
      run: (world) => newFolder(world, name),
      status: 400,
      code: 'item_name_invalid',
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
    name: 'a rename that has been overtaken',
    run: (world) =>
      json(world, 'PUT', `/2.0/files/${world.file}`, { name: world.fresh() }, world.owner, {
        'if-match': '99',
      }),
    status: 412,
    code: 'precondition_failed',
  },
  {
    name: 'a folder’s deletion that has been overtaken',
    run: ({ rig, owner, folder }) =>
      rig.call('DELETE', `/2.0/folders/${folder}?recursive=true`, {
        token: owner,
        headers: { 'if-match': '99' },
      }),
    status: 412,
    code: 'precondition_failed',
  },
  {
    name: 'a folder that is not empty',
    run: ({ rig, owner, folder }) => rig.call('DELETE', `/2.0/folders/${folder}`, { token: owner }),
    status: 400,
    code: 'folder_not_empty',
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
    name: 'a trashed file',
    run: async ({ rig, owner, folder, fresh }) => {
      const id = await rig.file(owner, folder, fresh());
      await rig.call('DELETE', `/2.0/files/${id}`, { token: owner });
      return rig.get(`/2.0/files/${id}`, owner);
    },
    status: 404,
    code: 'trashed',
  },
  {
    name: 'a restore of what is not in the trash',
    run: (world) => json(world, 'POST', `/2.0/files/${world.file}`, {}),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a restore over a name that is taken',
    run: async (world) => {
      const { rig, owner, folder } = world;
      const name = world.fresh();
      const id = await rig.file(owner, folder, name);
      await rig.call('DELETE', `/2.0/files/${id}`, { token: owner });
      await rig.file(owner, folder, name);
      return json(world, 'POST', `/2.0/files/${id}`, {});
    },
    status: 409,
    code: 'item_name_in_use',
  },
  {
    name: 'a file that another has locked',
    run: async (world) => {
      const { rig, owner, folder } = world;
      const id = await rig.file(owner, folder, world.fresh());
      await json(world, 'PUT', `/2.0/files/${id}`, { lock: { type: 'lock' } });
      return rig.version(world.editor.token, id, 'x');
    },
    status: 403,
    code: 'access_denied_item_locked',
  },
  {
    name: 'a folder that an operation holds',
    run: (world) =>
      during(world, { folderOperationMs: 60_000 }, { folderOperationMs: 0 }, async () => {
        const id = (await newFolder(world, world.fresh())).body.id;
        const target = (await newFolder(world, world.fresh())).body.id;
        await json(world, 'PUT', `/2.0/folders/${id}`, { parent: { id: target } });
        return newFolder(world, 'x', world.owner, id);
      }),
    status: 409,
    code: 'operation_blocked_temporary',
    message: 'The operation is blocked by another on-going operation',
  },
  {
    name: 'an offset beyond the last that is allowed',
    run: ({ rig, owner, folder }) => rig.get(`/2.0/folders/${folder}/items?offset=10001`, owner),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a marker that is none',
    run: ({ rig, owner, folder }) => rig.get(`/2.0/folders/${folder}/items?usemarker=true&marker=x`, owner),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a trash listing by marker and order',
    run: ({ rig, owner }) => rig.get('/2.0/folders/trash/items?usemarker=true&sort=name', owner),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a version that is not the file’s',
    run: (world) =>
      json(world, 'POST', `/2.0/files/${world.file}/versions/current`, { type: 'file_version', id: '1' }),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a stream position that is none',
    run: ({ rig, owner }) => rig.get('/2.0/events?stream_position=x', owner),
    status: 400,
    code: 'bad_request',
  },
];
