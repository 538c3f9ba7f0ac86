import { randomBytes } from 'node:crypto';
import { digest } from './rig.ts';
import { during, type ErrorRow, json, type World } from './world.ts';

const taken = {
  status: 409,
  code: 'item_name_in_use',
  message: 'Item with the same name already exists',
} as const;
const oneFile = { conflicts: { type: 'file', name: 'world.txt', file_version: { type: 'file_version' } } };

/** Two folders beside each other, the second with a file in it that is named like one in the first. */
async function twoPlaces({ rig, owner, folder, fresh }: World) {
  const [from, to] = [await rig.folder(owner, folder, fresh()), await rig.folder(owner, folder, fresh())];
  const [file] = [await rig.file(owner, from, 'same'), await rig.file(owner, to, 'SAME')];
  const [inner] = [await rig.folder(owner, from, 'inner'), await rig.folder(owner, to, 'Inner')];
  return { from, to, file, inner };
}

/** Refusals of names that are taken. Source: a list where a folder is created, one object anywhere else. */
export const CONFLICT_ROWS: readonly ErrorRow[] = [
  {
    ...taken,
    name: 'a folder’s name that is taken, told as a list',
    run: async (world) => {
      const name = world.fresh();
      await world.rig.folder(world.owner, world.folder, name);
      const parent = { id: world.folder };
      return json(world, 'POST', '/2.0/folders', { name: name.toUpperCase(), parent });
    },
    context: { conflicts: [{ type: 'folder', etag: '0' }] },
  },
  {
    ...taken,
    name: 'a folder’s name that a file has, told as a list',
    run: (world) => json(world, 'POST', '/2.0/folders', { name: 'WORLD.txt', parent: { id: world.folder } }),
    context: { conflicts: [{ type: 'file', name: 'world.txt' }] },
  },
  {
    ...taken,
    name: 'an upload’s name that is taken, told as one object',
    run: ({ rig, owner, folder }) => rig.upload(owner, { name: 'world.TXT', parent: { id: folder } }, 'x'),
    context: oneFile,
  },
  {
    ...taken,
    name: 'a preflight’s name that is taken, told as one object',
    run: (world) =>
      json(world, 'OPTIONS', '/2.0/files/content', {
        name: 'world.txt',
        size: 1,
        parent: { id: world.folder },
      }),
    context: oneFile,
  },
  {
    ...taken,
    name: 'a session’s name that is taken, told as one object',
    run: (world) =>
      json(world, 'POST', '/2.0/files/upload_sessions', {
        folder_id: world.folder,
        file_size: 5000,
        file_name: 'World.txt',
      }),
    context: oneFile,
  },
  {
    ...taken,
    name: 'a web link’s name that a file has',
    run: (world) =>
      json(world, 'POST', '/2.0/web_links', {
        url: 'https://example.org/',
        name: 'world.txt',
        parent: { id: world.folder },
      }),
    context: { conflicts: { type: 'file' } },
  },
  {
    ...taken,
    name: 'a rename to a name that is taken',
    run: async (world) => {
      const id = await world.rig.file(world.owner, world.folder, world.fresh());
      return json(world, 'PUT', `/2.0/files/${id}`, { name: 'WORLD.TXT' });
    },
    context: oneFile,
  },
  {
    ...taken,
    name: 'a move onto a name that is taken',
    run: async (world) => {
      const { to, file } = await twoPlaces(world);
      return json(world, 'PUT', `/2.0/files/${file}`, { parent: { id: to } });
    },
    context: { conflicts: { type: 'file', name: 'SAME' } },
  },
  {
    ...taken,
    name: 'a folder’s move onto a name that is taken',
    run: async (world) => {
      const { to, inner } = await twoPlaces(world);
      return json(world, 'PUT', `/2.0/folders/${inner}`, { parent: { id: to } });
    },
  },
  {
    ...taken,
    name: 'a copy onto a name that is taken',
    run: async (world) => {
      const { to, file } = await twoPlaces(world);
      return json(world, 'POST', `/2.0/files/${file}/copy`, { parent: { id: to } });
    },
    context: { conflicts: { type: 'file', name: 'SAME' } },
  },
  {
    ...taken,
    name: 'a folder’s copy onto a name that is taken',
    run: async (world) => {
      const { to, inner } = await twoPlaces(world);
      return json(world, 'POST', `/2.0/folders/${inner}/copy`, { parent: { id: to } });
    },
  },
  {
    ...taken,
    name: 'a version that takes another file’s name',
    run: async (world) => {
      const id = await world.rig.file(world.owner, world.folder, world.fresh());
      return world.rig.version(world.owner, id, 'x', {}, { name: 'world.txt' });
    },
    context: oneFile,
  },
  {
    ...taken,
    name: 'a preflight of a version that takes another file’s name',
    run: async (world) => {
      const id = await world.rig.file(world.owner, world.folder, world.fresh());
      return json(world, 'OPTIONS', `/2.0/files/${id}/content`, { name: 'world.txt', size: 1 });
    },
    context: oneFile,
  },
  {
    ...taken,
    name: 'a commit whose name was taken meanwhile',
    run: async (world) => {
      const [name, bytes] = [world.fresh(), randomBytes(1000)];
      const made = await json(world, 'POST', '/2.0/files/upload_sessions', {
        folder_id: world.folder,
        file_size: 1000,
        file_name: name,
      });
      const { upload_part, commit } = made.body.session_endpoints;
      const headers = { 'content-range': 'bytes 0-999/1000', digest: digest(bytes) };
      const part = await world.rig.call('PUT', upload_part, { token: world.owner, body: bytes, headers });
      await world.rig.file(world.owner, world.folder, name);
      const body = { parts: [part.body.part] };
      return json(world, 'POST', commit, body, world.owner, { digest: digest(bytes) });
    },
    context: { conflicts: { type: 'file' } },
  },
  {
    name: 'two uploads of one name at once',
    run: async (world) => {
      const name = world.fresh();
      const upload = () =>
        world.rig.upload(world.owner, { name, parent: { id: world.folder } }, 'x'.repeat(20_000));
      return during(world, { bandwidthBytesPerSecond: 100_000 }, { bandwidthBytesPerSecond: 0 }, async () => {
        const [first, second] = await Promise.all([upload(), upload()]);
        return first.status === 409 ? first : second;
      });
    },
    status: 409,
    code: 'name_temporarily_reserved',
    message: /^The item name is reserved by another processing item\./,
  },
];
