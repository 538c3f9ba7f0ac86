import { digest, sha1 } from './rig.ts';
import { during, type ErrorRow, json, type World } from './world.ts';

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
const session = (world: World, body: unknown) => json(world, 'POST', '/api/2.0/files/upload_sessions', body);

/** Refusals of uploads and downloads. */
export const CONTENT_ROWS: readonly ErrorRow[] = [
  {
    name: 'content before its attributes',
    run: (world) =>
      multipart(world, [FILE_PART, attributesPart({ name: world.fresh(), parent: { id: world.folder } })]),
    status: 400,
    code: 'metadata_after_file_contents',
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
    name: 'a version over one that has been overtaken',
    run: ({ rig, owner, file }) => rig.version(owner, file, 'x', { 'if-match': '99' }),
    status: 412,
    code: 'precondition_failed',
  },
  {
    name: 'a file that is too large',
    run: (world) =>
      during(world, { fileSizeMaxBytes: 10 }, { fileSizeMaxBytes: 50 * 1024 ** 3 }, () =>
        world.rig.upload(world.owner, { name: world.fresh(), parent: { id: world.folder } }, 'x'.repeat(11)),
      ),
    status: 403,
    code: 'file_size_limit_exceeded',
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
  },
  {
    name: 'a preflight for a name that is taken',
    run: (world) =>
      json(world, 'OPTIONS', '/2.0/files/content', {
        name: 'world.txt',
        size: 1,
        parent: { id: world.folder },
      }),
    status: 409,
    code: 'item_name_in_use',
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
    name: 'a session without a folder',
    run: (world) => session(world, { file_size: 5000, file_name: 'x' }),
    status: 400,
    code: 'missing_destination',
  },
  {
    name: 'a session with an id that is none',
    run: (world) => session(world, { folder_id: 'x', file_size: 5000, file_name: 'x' }),
    status: 400,
    code: 'invalid_folder_id',
  },
  {
    name: 'a session in a folder that is not there',
    run: (world) => session(world, { folder_id: '123', file_size: 5000, file_name: 'x' }),
    status: 404,
    code: 'invalid_parameter',
  },
  {
    name: 'a session without a size',
    run: (world) => session(world, { folder_id: world.folder, file_name: 'x' }),
    status: 400,
    code: 'missing_file_size',
  },
  {
    name: 'a session with a size that is none',
    run: (world) => session(world, { folder_id: world.folder, file_size: -1, file_name: 'x' }),
    status: 400,
    code: 'invalid_file_size',
  },
  {
    name: 'a session for a file that is too small',
    run: (world) => session(world, { folder_id: world.folder, file_size: 10, file_name: 'x' }),
    status: 400,
    code: 'file_size_too_small',
  },
  {
    name: 'a session without a name',
    run: (world) => session(world, { folder_id: world.folder, file_size: 5000 }),
    status: 400,
    code: 'missing_file_name',
  },
  {
    name: 'a session id that is none',
    run: ({ rig, owner }) => rig.get('/api/2.0/files/upload_sessions/x', owner),
    status: 400,
    code: 'invalid_upload_session_id',
  },
  {
    name: 'a session of another user',
    run: async (world) => {
      const made = await session(world, {
        folder_id: world.folder,
        file_size: 5000,
        file_name: world.fresh(),
      });
      return world.rig.get(made.body.session_endpoints.status, world.editor.token);
    },
    status: 403,
    code: 'forbidden',
  },
  {
    name: 'a part that is there already',
    run: async (world) => {
      const made = await session(world, {
        folder_id: world.folder,
        file_size: 5000,
        file_name: world.fresh(),
      });
      const bytes = Buffer.alloc(1024);
      const put = () =>
        world.rig.call('PUT', made.body.session_endpoints.upload_part, {
          token: world.owner,
          body: bytes,
          headers: { 'content-range': 'bytes 0-1023/5000', digest: digest(bytes) },
        });
      await put();
      return put();
    },
    status: 416,
    code: 'range_overlaps_existing_part',
    message: /^Part overlaps with previously uploaded part: \{id: [0-9A-F]{8}\}$/,
  },
  {
    name: 'a commit without its parts',
    run: async (world) => {
      const made = await session(world, {
        folder_id: world.folder,
        file_size: 5000,
        file_name: world.fresh(),
      });
      return json(world, 'POST', made.body.session_endpoints.commit, { parts: [] }, world.owner, {
        digest: digest(Buffer.alloc(1)),
      });
    },
    status: 400,
    code: 'parts_mismatch',
  },
];
