import { type ErrorRow, json, type World } from './world.ts';

const overtaken = {
  status: 412,
  code: 'precondition_failed',
  message: 'The resource has been modified. Please retrieve the resource again and retry',
} as const;
const STALE = { 'if-match': '99' };

const link = async (world: World): Promise<string> =>
  (
    await json(world, 'POST', '/2.0/web_links', {
      url: 'https://example.org/',
      name: world.fresh(),
      parent: { id: world.folder },
    })
  ).body.id;

const drop = ({ rig, owner }: World, path: string) =>
  rig.call('DELETE', path, { token: owner, headers: STALE });

/** A file that the owner has locked, for everybody else. */
async function locked(world: World, lock: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const id = await world.rig.file(world.owner, world.folder, world.fresh());
  await json(world, 'PUT', `/2.0/files/${id}`, { lock: { type: 'lock', ...lock } });
  return id;
}
const isLocked = {
  status: 403,
  code: 'access_denied_item_locked',
  message: 'Access denied - item locked',
} as const;

/** What If-Match, If-None-Match and locks forbid. */
export const CONDITION_ROWS: readonly ErrorRow[] = [
  {
    ...overtaken,
    name: 'a version over one that has been overtaken',
    run: ({ rig, owner, file }) => rig.version(owner, file, 'x', STALE),
  },
  {
    ...overtaken,
    name: 'a preflight of a version over one that has been overtaken',
    run: (world) =>
      json(world, 'OPTIONS', `/2.0/files/${world.file}/content`, { size: 1 }, world.owner, STALE),
  },
  {
    ...overtaken,
    name: 'a rename that has been overtaken',
    run: (world) =>
      json(world, 'PUT', `/2.0/files/${world.file}`, { name: world.fresh() }, world.owner, STALE),
  },
  {
    ...overtaken,
    name: 'a folder’s rename that has been overtaken',
    run: (world) =>
      json(world, 'PUT', `/2.0/folders/${world.folder}`, { name: world.fresh() }, world.owner, STALE),
  },
  {
    ...overtaken,
    name: 'a web link’s rename that has been overtaken',
    run: async (world) =>
      json(world, 'PUT', `/2.0/web_links/${await link(world)}`, { name: world.fresh() }, world.owner, STALE),
  },
  {
    ...overtaken,
    name: 'a file’s deletion that has been overtaken',
    run: (world) => drop(world, `/2.0/files/${world.file}`),
  },
  {
    ...overtaken,
    name: 'a folder’s deletion that has been overtaken',
    run: (world) => drop(world, `/2.0/folders/${world.folder}?recursive=true`),
  },
  {
    ...overtaken,
    name: 'a web link’s deletion that has been overtaken',
    run: async (world) => drop(world, `/2.0/web_links/${await link(world)}`),
  },
  ...(['files', 'folders', 'web_links'] as const).map(
    (collection): ErrorRow => ({
      name: `one of the ${collection} that the caller already holds`,
      run: async (world) => {
        const { rig, owner, folder, fresh } = world;
        const id =
          collection === 'web_links'
            ? await link(world)
            : await (collection === 'files' ? rig.file : rig.folder).call(rig, owner, folder, fresh());
        return rig.get(`/2.0/${collection}/${id}`, owner, { 'if-none-match': '0' });
      },
      status: 304,
      code: null,
      header: ['etag', /^0$/],
    }),
  ),
  {
    ...isLocked,
    name: 'a version of a file that another has locked',
    run: async (world) => world.rig.version(world.editor.token, await locked(world), 'x'),
  },
  {
    ...isLocked,
    name: 'a rename of a file that another has locked',
    run: async (world) =>
      json(world, 'PUT', `/2.0/files/${await locked(world)}`, { name: world.fresh() }, world.editor.token),
  },
  {
    ...isLocked,
    name: 'a deletion of a file that another has locked',
    run: async (world) =>
      world.rig.call('DELETE', `/2.0/files/${await locked(world)}`, { token: world.editor.token }),
  },
  {
    ...isLocked,
    name: 'an unlocking of a file that another has locked',
    run: async (world) =>
      json(world, 'PUT', `/2.0/files/${await locked(world)}`, { lock: null }, world.editor.token),
  },
  {
    ...isLocked,
    name: 'a download that a lock prevents',
    run: async (world) => {
      const id = await locked(world, { is_download_prevented: true });
      return world.rig.get(`/2.0/files/${id}/content`, world.editor.token);
    },
  },
];
