import { type ErrorRow, json, type World } from './world.ts';

/** Arm a fault for one request. */
async function struck(
  world: World,
  match: Readonly<Record<string, string>>,
  action: Readonly<Record<string, unknown>>,
  run: () => ReturnType<World['rig']['get']>,
) {
  const armed = await world.rig.control('POST', '/faults', { match, action: { kind: 'status', ...action } });
  try {
    return await run();
  } finally {
    await world.rig.control('DELETE', `/faults/${armed.body.id}`);
  }
}

/** Codes that Box documents and that nothing in the emulator gives by itself. */
const DOCUMENTED: readonly (readonly [number, string, string])[] = [
  [403, 'forbidden_by_policy', 'Access denied - Blocked by Shield Access Policy'],
  [403, 'forbidden', 'Forbidden'],
  [410, 'upload_failed', 'The upload session is in an unrecoverable failed state and cannot continue'],
  [411, 'length_required', 'content-length header was required, but not provided.'],
  [413, 'request_entity_too_large', 'Request Entity too Large'],
  [500, 'internal_server_error', 'Internal Server Error'],
  [502, 'bad_gateway', 'Bad Gateway'],
  [503, 'unavailable', 'Unavailable'],
];

/** What only a fault brings about, in Box's words. Source: developer.box.com guides, common errors. */
export const FAULT_ROWS: readonly ErrorRow[] = [
  ...DOCUMENTED.map(
    ([status, code, message]): ErrorRow => ({
      name: `a fault of ${status} ${code}`,
      run: (world) =>
        struck(world, { path: '/2.0/users/me' }, { status, code }, () =>
          world.rig.get('/2.0/users/me', world.owner),
        ),
      status,
      code,
      message,
    }),
  ),
  {
    name: 'a fault by its status alone',
    run: (world) =>
      struck(world, { path: '/2.0/users/me' }, { status: 411 }, () =>
        world.rig.get('/2.0/users/me', world.owner),
      ),
    status: 411,
    code: 'length_required',
  },
  {
    name: 'a 429 with the seconds to wait',
    run: (world) =>
      struck(world, { path: '/2.0/users/me' }, { status: 429, headers: { 'Retry-After': '7' } }, () =>
        world.rig.get('/2.0/users/me', world.owner),
      ),
    status: 429,
    code: 'rate_limit_exceeded',
    message: 'Request rate limit exceeded, please try again later',
    header: ['retry-after', /^7$/],
  },
  ...[403, 500].map(
    (status): ErrorRow => ({
      name: `an event stream that answers ${status}`,
      run: (world) =>
        struck(world, { path: '/2.0/events' }, { status }, () => world.rig.events(world.owner, 'now')),
      status,
    }),
  ),
  {
    name: 'an upload session that is lost beyond repair',
    run: async (world) => {
      const { body } = await json(world, 'POST', '/2.0/files/upload_sessions', {
        folder_id: world.folder,
        file_size: 5000,
        file_name: world.fresh(),
      });
      const path = `/2.0/files/upload_sessions/${body.id}**`;
      return struck(world, { path }, { status: 410, code: 'upload_failed' }, () =>
        json(world, 'POST', body.session_endpoints.commit, { parts: [] }),
      );
    },
    status: 410,
    code: 'upload_failed',
  },
  {
    name: 'a folder’s move that takes effect behind a 503',
    run: async (world) => {
      const { rig, owner, folder, fresh } = world;
      const [id, target] = [
        await rig.folder(owner, folder, fresh()),
        await rig.folder(owner, folder, fresh()),
      ];
      const refused = await struck(
        world,
        { method: 'PUT', path: '/2.0/folders/*' },
        { status: 503, when: 'after' },
        () => json(world, 'PUT', `/2.0/folders/${id}`, { parent: { id: target } }),
      );
      const parent = (await rig.get(`/2.0/folders/${id}`, owner)).body.parent.id;
      if (parent !== target) throw new Error('the folder was not moved');
      return refused;
    },
    status: 503,
    code: 'unavailable',
  },
  {
    name: 'a token exchange that Box refuses for a while',
    run: (world) => {
      const body = { error: 'invalid_grant', error_description: 'subject_token provided is invalid' };
      return struck(world, { path: '/oauth2/token' }, { status: 400, body }, () => world.rig.form({}));
    },
    status: 400,
    oauth: 'invalid_grant',
    message: 'subject_token provided is invalid',
  },
];
