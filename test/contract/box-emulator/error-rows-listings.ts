import { during, type ErrorRow, type World, wrong } from './world.ts';

const bad = { status: 400, code: 'bad_request' } as const;
const of = (path: (world: World) => string) => (world: World) => world.rig.get(path(world), world.owner);

/** Refusals of listings and of the event stream. */
export const LISTING_ROWS: readonly ErrorRow[] = [
  {
    ...bad,
    name: 'an offset beyond the last that is allowed',
    run: of(({ folder }) => `/2.0/folders/${folder}/items?offset=10001`),
    context: wrong('offset'),
  },
  {
    ...bad,
    name: 'a limit that is none',
    run: of(({ folder }) => `/2.0/folders/${folder}/items?limit=many`),
    context: wrong('limit'),
  },
  {
    ...bad,
    name: 'an order that there is not',
    run: of(({ folder }) => `/2.0/folders/${folder}/items?sort=colour`),
    context: wrong('sort'),
  },
  {
    ...bad,
    name: 'a marker that is none',
    run: of(({ folder }) => `/2.0/folders/${folder}/items?usemarker=true&marker=x`),
    context: wrong('marker'),
  },
  {
    ...bad,
    name: 'the root by marker and order',
    run: of(() => '/2.0/folders/0/items?usemarker=true&sort=name'),
    context: wrong('sort'),
  },
  ...(['sort=name', 'direction=ASC', 'offset=1'] as const).map(
    (parameter): ErrorRow => ({
      ...bad,
      name: `a trash listing by marker and ${parameter}`,
      run: of(() => `/2.0/folders/trash/items?usemarker=true&${parameter}`),
      context: wrong(parameter.slice(0, parameter.indexOf('='))),
    }),
  ),
  {
    ...bad,
    name: 'a trash listing with a marker that is not asked for',
    run: of(() => '/2.0/folders/trash/items?marker=1'),
    context: wrong('marker'),
  },
  {
    ...bad,
    name: 'a stream position that is none',
    run: of(() => '/2.0/events?stream_position=x'),
    context: wrong('stream_position'),
  },
  {
    ...bad,
    name: 'a stream that there is not',
    run: of(() => '/2.0/events?stream_type=everything'),
    context: wrong('stream_type'),
  },
  {
    ...bad,
    name: 'a long poll on the enterprise’s stream',
    run: ({ rig, owner }) => rig.call('OPTIONS', '/2.0/events?stream_type=admin_logs', { token: owner }),
    context: wrong('stream_type'),
  },
  {
    ...bad,
    name: 'a position that is too old, where that is an error',
    run: async (world) => {
      const { rig, owner } = world;
      const old = await rig.now(owner);
      await rig.file(owner, world.folder, world.fresh());
      await rig.file(owner, world.folder, world.fresh());
      return during(
        world,
        { clockOffsetMs: 22 * 86_400_000, stalePosition: 'error' },
        { clockOffsetMs: 0, stalePosition: 'jump' },
        async () => rig.events(await rig.service(), old),
      );
    },
    context: wrong('stream_position'),
  },
  {
    name: 'the enterprise’s stream for one who does not administer it',
    run: ({ rig, editor }) => rig.get('/2.0/events?stream_type=admin_logs', editor.token),
    status: 403,
    code: 'access_denied_insufficient_permissions',
  },
];
