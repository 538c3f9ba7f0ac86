import { digest } from './rig.ts';
import { during, type ErrorRow, json, type World, wrong } from './world.ts';

const session = (world: World, body: unknown) => json(world, 'POST', '/api/2.0/files/upload_sessions', body);

const SIZE = 1500;
const BYTES = Buffer.alloc(SIZE, 'x');

/** A session of two parts, and what one does with it. */
async function begun(world: World) {
  const made = await session(world, { folder_id: world.folder, file_size: SIZE, file_name: world.fresh() });
  const urls = made.body.session_endpoints;
  const put = (
    from: number,
    to: number,
    headers: Readonly<Record<string, string>> = {},
    token = world.owner,
  ) =>
    world.rig.call('PUT', urls.upload_part, {
      token,
      body: BYTES.subarray(from, to),
      headers: {
        'content-range': `bytes ${from}-${to - 1}/${SIZE}`,
        digest: digest(BYTES.subarray(from, to)),
        ...headers,
      },
    });
  const finish = (parts: unknown, headers: Readonly<Record<string, string>> = {}) =>
    json(world, 'POST', urls.commit, { parts }, world.owner, { digest: digest(BYTES), ...headers });
  return { urls, put, finish };
}

/** A session of which every part has arrived. */
async function filled(world: World) {
  const { urls, put, finish } = await begun(world);
  const parts = [(await put(0, 1024)).body.part, (await put(1024, SIZE)).body.part];
  return { urls, finish, parts };
}
const outOfRange = { status: 416, code: 'range_not_satisfiable' } as const;

/** Refusals of uploads in parts. */
export const SESSION_ROWS: readonly ErrorRow[] = [
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
    context: wrong('folder_id'),
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
    message: 'The upload session ID provided in the URL is not of a valid format.',
  },
  {
    name: 'a session under an impossible name',
    run: (world) => session(world, { folder_id: world.folder, file_size: 5000, file_name: 'a/b' }),
    status: 400,
    code: 'item_name_invalid',
  },
  {
    name: 'a session for more than the storage',
    run: (world) =>
      session(world, { folder_id: world.folder, file_size: 11 * 1024 ** 3, file_name: world.fresh() }),
    status: 403,
    code: 'storage_limit_exceeded',
  },
  {
    name: 'a session in a folder that the user may only view',
    run: (world) =>
      json(
        world,
        'POST',
        '/api/2.0/files/upload_sessions',
        { folder_id: world.folder, file_size: 5000, file_name: world.fresh() },
        world.viewer.token,
      ),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
  {
    name: 'a session of another user',
    run: async (world) => world.rig.get((await begun(world)).urls.status, world.editor.token),
    status: 403,
    code: 'forbidden',
  },
  {
    name: 'a part in a session of another user',
    run: async (world) => (await begun(world)).put(0, 1024, {}, world.editor.token),
    status: 403,
    code: 'forbidden',
  },
  {
    name: 'a part that is there already',
    run: async (world) => {
      const { put } = await begun(world);
      await put(0, 1024);
      return put(0, 1024);
    },
    status: 416,
    code: 'range_overlaps_existing_part',
    message: /^Part overlaps with previously uploaded part: \{id: [0-9A-F]{8}\}$/,
  },
  {
    ...outOfRange,
    name: 'a part that starts between two',
    run: async (world) => (await begun(world)).put(1, 1025),
  },
  {
    ...outOfRange,
    name: 'a part that is too short',
    run: async (world) => (await begun(world)).put(0, 1000),
  },
  {
    ...outOfRange,
    name: 'a part of another size in all',
    run: async (world) => (await begun(world)).put(0, 1024, { 'content-range': 'bytes 0-1023/9999' }),
  },
  {
    name: 'a part that is not what its digest says',
    run: async (world) => (await begun(world)).put(0, 1024, { digest: digest(Buffer.from('y')) }),
    status: 412,
    code: 'bad_digest',
  },
  {
    name: 'a part without a range',
    run: async (world) => (await begun(world)).put(0, 1024, { 'content-range': '' }),
    status: 400,
    code: 'bad_request',
    context: wrong('content-range', 'missing_parameter'),
  },
  {
    name: 'a part without a digest',
    run: async (world) => (await begun(world)).put(0, 1024, { digest: '' }),
    status: 400,
    code: 'bad_request',
    context: wrong('digest', 'missing_parameter'),
  },
  {
    name: 'a commit without its parts',
    run: async (world) => (await begun(world)).finish([]),
    status: 400,
    code: 'parts_mismatch',
  },
  {
    name: 'a commit with parts that are not known yet',
    run: (world) =>
      during(world, { partVisibleAfterMs: 3_600_000 }, { partVisibleAfterMs: 0 }, async () => {
        const { finish, parts } = await filled(world);
        return finish(parts);
      }),
    status: 400,
    code: 'parts_mismatch',
    message: /^No matching part found on server for \{.*part_id.*\}$/,
  },
  {
    name: 'a commit with parts that lack their hash',
    run: async (world) => {
      const { finish, parts } = await filled(world);
      return finish(parts.map(({ sha1: _left, ...rest }) => rest));
    },
    status: 400,
    code: 'parts_mismatch',
    message: /^No matching part found on server for /,
  },
  {
    name: 'a commit of what its digest does not say',
    run: async (world) => {
      const { finish, parts } = await filled(world);
      return finish(parts, { digest: digest(Buffer.from('y')) });
    },
    status: 400,
    code: 'bad_digest',
  },
  {
    name: 'a commit that is still worked on',
    run: (world) =>
      during(
        world,
        { commitProcessingAnswers: 1, commitRetryAfterS: 3 },
        { commitProcessingAnswers: 0, commitRetryAfterS: 1 },
        async () => {
          const { finish, parts } = await filled(world);
          return finish(parts);
        },
      ),
    status: 202,
    code: null,
    header: ['retry-after', /^3$/],
  },
  ...(['if-match', 'if-none-match'] as const).map(
    (name): ErrorRow => ({
      name: `a version’s commit whose ${name} does not hold`,
      run: async (world) => {
        const id = await world.rig.file(world.owner, world.folder, world.fresh());
        const path = `/2.0/files/${id}/upload_sessions`;
        const { urls } = {
          urls: (await json(world, 'POST', path, { file_size: SIZE })).body.session_endpoints,
        };
        const held = name === 'if-match' ? '99' : '0';
        return json(world, 'POST', urls.commit, { parts: [] }, world.owner, {
          digest: digest(BYTES),
          [name]: held,
        });
      },
      status: 412,
      code: 'precondition_failed',
    }),
  ),
  {
    name: 'a session that has run out',
    run: async (world) => {
      const { urls } = await begun(world);
      return during(world, { clockOffsetMs: 8 * 86_400_000 }, { clockOffsetMs: 0 }, async () =>
        world.rig.get(urls.status, await world.rig.service()),
      );
    },
    status: 410,
    code: 'session_expired',
  },
  {
    name: 'a session that was given up',
    run: async (world) => {
      const { urls, put } = await begun(world);
      await world.rig.call('DELETE', urls.abort, { token: world.owner });
      return put(0, 1024);
    },
    status: 404,
    code: 'not_found',
  },
];
