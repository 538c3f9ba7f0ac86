import { sha1 } from './rig.ts';
import { during, type ErrorRow, json, type World, wrong } from './world.ts';

const BOUNDARY = 'boundary';
const multipart = (world: World, parts: readonly string[], headers = {}) =>
  world.rig.call('POST', '/api/2.0/files/content', {
    token: world.owner,
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}`, ...headers },
    body: `${parts.map((part) => `--${BOUNDARY}\r\n${part}\r\n`).join('')}--${BOUNDARY}--\r\n`,
  });
const FILE_PART = 'Content-Disposition: form-data; name="file"; filename="file"\r\n\r\ncontent';
const attributesPart = (attributes: unknown) =>
  `Content-Disposition: form-data; name="attributes"\r\n\r\n${typeof attributes === 'string' ? attributes : JSON.stringify(attributes)}`;

const preflight = (world: World, change: Readonly<Record<string, unknown>>) =>
  json(world, 'OPTIONS', '/2.0/files/content', {
    name: world.fresh(),
    size: 1,
    parent: { id: world.folder },
    ...change,
  });

/** Refusals of uploads and downloads. */
export const CONTENT_ROWS: readonly ErrorRow[] = [
  {
    name: 'content before its attributes',
    run: (world) =>
      multipart(world, [FILE_PART, attributesPart({ name: world.fresh(), parent: { id: world.folder } })]),
    status: 400,
    code: 'metadata_after_file_contents',
    message: 'Metadata is included after file contents in a file upload request.',
  },
  {
    name: 'attributes that are no JSON',
    run: (world) => multipart(world, [attributesPart('{'), FILE_PART]),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'attributes without a parent',
    run: (world) => multipart(world, [attributesPart({ name: 'x' }), FILE_PART]),
    status: 400,
    code: 'bad_request',
    context: wrong('parent', 'missing_parameter'),
  },
  {
    name: 'no content',
    run: (world) => multipart(world, [attributesPart({ name: world.fresh(), parent: { id: world.folder } })]),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'an upload that is no form',
    run: ({ rig, owner }) => rig.call('POST', '/api/2.0/files/content', { token: owner, body: 'x' }),
    status: 415,
  },
  {
    name: 'content that is not what its digest says',
    run: ({ rig, owner, folder, fresh }) =>
      rig.upload(owner, { name: fresh(), parent: { id: folder } }, 'x', { 'content-md5': sha1('y') }),
    status: 400,
    code: 'bad_digest',
    message: 'The specified content-md5 did not match what we received',
  },
  {
    name: 'a date before 1970',
    run: ({ rig, owner, folder, fresh }) =>
      rig.upload(
        owner,
        { name: fresh(), parent: { id: folder }, content_modified_at: '1960-01-01T00:00:00Z' },
        'x',
      ),
    status: 400,
    code: 'bad_request',
  },
  {
    name: 'a file that is too large',
    run: (world) =>
      during(world, { fileSizeMaxBytes: 10 }, { fileSizeMaxBytes: 50 * 1024 ** 3 }, () =>
        world.rig.upload(world.owner, { name: world.fresh(), parent: { id: world.folder } }, 'x'.repeat(11)),
      ),
    status: 403,
    code: 'file_size_limit_exceeded',
    message: 'File size exceeds the folder owner’s file size limit',
  },
  {
    name: 'storage that is used up',
    run: async (world) => {
      const poor = (
        await json(world, 'POST', '/2.0/users', {
          name: 'poor',
          is_platform_access_only: true,
          space_amount: 3,
        })
      ).body.id;
      return world.rig.upload(await world.rig.tokenOf(poor), { name: 'x', parent: { id: '0' } }, '1234');
    },
    status: 403,
    code: 'storage_limit_exceeded',
    message: 'Account storage limit reached',
  },
  {
    name: 'a download without the right',
    run: async (world) => {
      const { id, token } = await world.rig.appUser('previewer');
      await world.rig.share(world.owner, world.folder, id, 'previewer');
      return world.rig.get(`/2.0/files/${world.file}/content`, token);
    },
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a version that is not what its digest says',
    run: ({ rig, owner, file }) => rig.version(owner, file, 'x', { 'content-md5': sha1('y') }),
    status: 400,
    code: 'bad_digest',
  },
  {
    name: 'an upload under an impossible name',
    run: ({ rig, owner, folder }) => rig.upload(owner, { name: 'a/b', parent: { id: folder } }, 'x'),
    status: 400,
    code: 'item_name_invalid',
  },
  {
    name: 'an upload to a folder that is not there',
    run: ({ rig, owner, fresh }) => rig.upload(owner, { name: fresh(), parent: { id: '123' } }, 'x'),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'an upload without the right',
    run: ({ rig, viewer, folder, fresh }) =>
      rig.upload(viewer.token, { name: fresh(), parent: { id: folder } }, 'x'),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a version without the right',
    run: ({ rig, viewer, file }) => rig.version(viewer.token, file, 'x'),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a preflight for a file that is too large',
    run: (world) => preflight(world, { size: 60 * 1024 ** 3 }),
    status: 403,
    code: 'file_size_limit_exceeded',
  },
  {
    name: 'a preflight for more than the storage',
    run: (world) => preflight(world, { size: 11 * 1024 ** 3 }),
    status: 403,
    code: 'storage_limit_exceeded',
  },
  {
    name: 'a preflight for an impossible name',
    run: (world) => preflight(world, { name: 'trailing ' }),
    status: 400,
    code: 'item_name_invalid',
  },
  {
    name: 'a preflight for a folder that is not there',
    run: (world) => preflight(world, { parent: { id: '123' } }),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a download by one who may only upload',
    run: async (world) => {
      const { id, token } = await world.rig.appUser('uploader');
      await world.rig.share(world.owner, world.folder, id, 'uploader');
      return world.rig.get(`/2.0/files/${world.file}/content`, token);
    },
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a download of a file that the user may not see',
    run: ({ rig, stranger, file }) => rig.get(`/2.0/files/${file}/content`, stranger.token),
    status: 404,
    code: 'not_found',
  },
  {
    name: 'a download of a version that is not the file’s',
    run: ({ rig, owner, file }) => rig.get(`/2.0/files/${file}/content?version=1`, owner),
    status: 404,
    code: 'not_found',
    context: wrong('file_version_id'),
  },
  {
    name: 'a range beyond the content',
    run: async ({ rig, owner, file }) => {
      const redirect = await rig.get(`/2.0/files/${file}/content`, owner);
      return rig.get(redirect.headers.get('location') ?? '', undefined, { range: 'bytes=999999-' });
    },
    status: 416,
    code: null,
    header: ['content-range', /^bytes \*\/\d+$/],
  },
  {
    name: 'a download that is not ready yet',
    run: (world) =>
      during(world, { downloadReadyAfterMs: 3_600_000 }, { downloadReadyAfterMs: 0 }, () =>
        world.rig.get(`/2.0/files/${world.file}/content`, world.owner),
      ),
    status: 202,
    code: null,
    header: ['retry-after', /^[1-9]\d*$/],
  },
];
