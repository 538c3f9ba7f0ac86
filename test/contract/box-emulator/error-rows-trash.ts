import { type ErrorRow, json, type World, wrong } from './world.ts';

const trashedFile = async ({ rig, owner, fresh, folder }: World, parent = folder, name = fresh()) => {
  const id = await rig.file(owner, parent, name);
  await rig.call('DELETE', `/2.0/files/${id}`, { token: owner });
  return id;
};
const notTrashed = { status: 404, code: 'not_trashed', message: 'Item is not trashed' } as const;

/** Refusals about what lies in the trash, or does not. */
export const TRASH_ROWS: readonly ErrorRow[] = [
  {
    name: 'a trashed folder',
    run: async (world) => {
      const { rig, owner, folder, fresh } = world;
      const id = await rig.folder(owner, folder, fresh());
      await rig.call('DELETE', `/2.0/folders/${id}`, { token: owner });
      return rig.get(`/2.0/folders/${id}`, owner);
    },
    status: 404,
    code: 'trashed',
    message: 'Item is trashed',
  },
  {
    name: 'a rename of a trashed file',
    run: async (world) => json(world, 'PUT', `/2.0/files/${await trashedFile(world)}`, { name: 'x' }),
    status: 404,
    code: 'trashed',
  },
  {
    name: 'a second deletion of a file',
    run: async (world) =>
      world.rig.call('DELETE', `/2.0/files/${await trashedFile(world)}`, { token: world.owner }),
    status: 404,
    code: 'trashed',
  },
  {
    name: 'a file in a trashed folder',
    run: async (world) => {
      const { rig, owner, folder, fresh } = world;
      const outer = await rig.folder(owner, folder, fresh());
      const id = await rig.file(owner, outer, 'inside');
      await rig.call('DELETE', `/2.0/folders/${outer}?recursive=true`, { token: owner });
      return rig.get(`/2.0/files/${id}`, owner);
    },
    status: 404,
    code: 'not_found',
    context: wrong('item'),
  },
  {
    name: 'a file in a trashed folder, looked for in the trash',
    run: async (world) => {
      const { rig, owner, folder, fresh } = world;
      const outer = await rig.folder(owner, folder, fresh());
      const id = await rig.file(owner, outer, 'inside');
      await rig.call('DELETE', `/2.0/folders/${outer}?recursive=true`, { token: owner });
      return rig.get(`/2.0/files/${id}/trash`, owner);
    },
    status: 404,
    code: 'not_found',
  },
  {
    ...notTrashed,
    name: 'a restore of what is not in the trash',
    run: (world) => json(world, 'POST', `/2.0/files/${world.file}`, {}),
  },
  {
    ...notTrashed,
    name: 'a removal for good of what is not in the trash',
    run: (world) => world.rig.call('DELETE', `/2.0/folders/${world.folder}/trash`, { token: world.owner }),
  },
  {
    name: 'a restore of what there is not',
    run: (world) => json(world, 'POST', '/2.0/files/123', {}),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a restore of what the user may not see',
    run: async (world) =>
      json(world, 'POST', `/2.0/files/${await trashedFile(world)}`, {}, world.stranger.token),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a restore without the right',
    run: async (world) =>
      json(world, 'POST', `/2.0/files/${await trashedFile(world)}`, {}, world.viewer.token),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a restore into a folder that is gone, without another place',
    run: async (world) => {
      const { rig, owner, folder, fresh } = world;
      const outer = await rig.folder(owner, folder, fresh());
      const id = await trashedFile(world, outer);
      await rig.call('DELETE', `/2.0/folders/${outer}?recursive=true`, { token: owner });
      return json(world, 'POST', `/2.0/files/${id}`, {});
    },
    status: 404,
    code: 'not_found',
    context: wrong('parent'),
  },
  {
    name: 'a restore over a name that is taken',
    run: async (world) => {
      const name = world.fresh();
      const id = await trashedFile(world, world.folder, name);
      await world.rig.file(world.owner, world.folder, name);
      return json(world, 'POST', `/2.0/files/${id}`, {});
    },
    status: 409,
    code: 'item_name_in_use',
    context: { conflicts: { type: 'file' } },
  },
  {
    name: 'a deletion of the version that is current',
    run: async ({ rig, owner, file }) => {
      const { file_version } = (await rig.get(`/2.0/files/${file}`, owner)).body;
      return rig.call('DELETE', `/2.0/files/${file}/versions/${file_version.id}`, { token: owner });
    },
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a version that is not the file’s',
    run: (world) =>
      json(world, 'POST', `/2.0/files/${world.file}/versions/current`, { type: 'file_version', id: '1' }),
    status: 404,
    code: 'not_found',
    context: wrong('file_version_id'),
  },
];
