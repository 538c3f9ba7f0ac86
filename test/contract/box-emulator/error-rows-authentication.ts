import type { Rig } from './rig.ts';
import { during, type ErrorRow, json, withApp } from './world.ts';

const ALL = [
  'root_readonly',
  'root_readwrite',
  'manage_managed_users',
  'manage_app_users',
  'manage_groups',
  'manage_webhook',
  'manage_enterprise_properties',
  'manage_data_retention',
  'sign_requests.readwrite',
  'ai.readwrite',
];

/** A token for downloads alone. */
const narrowed = async (rig: Rig, token: string): Promise<string> =>
  (
    await rig.form({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'item_download',
    })
  ).body.access_token;

/** Refusals of requests whose sender is not known, or asks too much. */
export const AUTHENTICATION_ROWS: readonly ErrorRow[] = [
  {
    name: 'no token',
    run: ({ rig }) => rig.get('/2.0/users/me'),
    status: 401,
    code: null,
    header: ['www-authenticate', /^Bearer realm="Service"$/],
  },
  {
    name: 'an unknown token',
    run: ({ rig }) => rig.get('/2.0/users/me', 'unknown'),
    status: 401,
    code: null,
    header: [
      'www-authenticate',
      /^Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid\."$/,
    ],
  },
  {
    name: 'a token that has run out',
    run: (world) =>
      during(world, { clockOffsetMs: 5_000_000 }, { clockOffsetMs: 0 }, () =>
        world.rig.get('/2.0/users/me', world.owner),
      ),
    status: 401,
    code: null,
    header: ['www-authenticate', /error="expired_token"/],
  },
  {
    name: 'a token that was revoked',
    run: async ({ rig, editor }) => {
      const token = await rig.tokenOf(editor.id);
      const { clientID, clientSecret } = rig.running.configuration.boxAppSettings;
      await rig.call('POST', '/oauth2/revoke', {
        body: new URLSearchParams({ client_id: clientID, client_secret: clientSecret, token }).toString(),
      });
      return rig.get('/2.0/users/me', token);
    },
    status: 401,
    code: null,
  },
  {
    name: 'an app that is authorised but not enabled',
    run: (world) =>
      withApp(world, { enabled: false }, { enabled: true }, () =>
        world.rig.get('/2.0/users/me', world.owner),
      ),
    status: 401,
    code: 'unauthorized',
    message: 'Unauthorized - Cannot authorize with this service',
  },
  {
    name: 'an app without any scope for content that lists its own root',
    run: async ({ rig }) => {
      const path = `/users/${rig.running.serviceAccountId}/token`;
      const { body } = await rig.control('POST', path, { scopes: ['manage_groups'] });
      return rig.get('/2.0/folders/0/items', body.access_token);
    },
    status: 403,
    code: 'insufficient_scope',
    message: 'The request requires higher privileges than provided by the access token.',
    header: ['www-authenticate', /error="insufficient_scope"/],
  },
  {
    name: 'an app user who wants to administer',
    run: ({ rig, editor }) => rig.get('/2.0/users', editor.token),
    status: 403,
    code: 'access_denied_insufficient_permissions',
    message: 'Access denied - insufficient permission',
  },
  {
    name: 'more requests than the limit',
    run: (world) =>
      during(world, { rateLimitPerMinute: 1 }, { rateLimitPerMinute: 0 }, async () => {
        await world.rig.get('/2.0/users/me', world.viewer.token);
        return world.rig.get('/2.0/users/me', world.viewer.token);
      }),
    status: 429,
    code: 'rate_limit_exceeded',
    message: 'Request rate limit exceeded, please try again later',
    header: ['retry-after', /^([1-9]|[1-5]\d|60)$/],
  },
  {
    name: 'more uploads than the limit',
    run: (world) =>
      during(world, { uploadRateLimitPerMinute: 1 }, { uploadRateLimitPerMinute: 0 }, async () => {
        const upload = () =>
          world.rig.upload(world.editor.token, { name: world.fresh(), parent: { id: world.folder } }, 'x');
        await upload();
        return upload();
      }),
    status: 429,
    code: 'rate_limit_exceeded',
    message: 'Request rate limit exceeded, please try again later',
    header: ['retry-after', /^([1-9]|[1-5]\d|60)$/],
  },
  {
    name: 'an authorization header of another kind',
    run: ({ rig }) => rig.get('/2.0/users/me', undefined, { authorization: 'Basic eDp5' }),
    status: 401,
    code: null,
    header: ['www-authenticate', /error="invalid_token"/],
  },
  {
    name: 'a scope for users that the token lacks',
    run: async ({ rig }) => {
      const path = `/users/${rig.running.serviceAccountId}/token`;
      const { body } = await rig.control('POST', path, { scopes: ['root_readwrite'] });
      return rig.get('/2.0/users', body.access_token);
    },
    status: 403,
    code: 'insufficient_scope',
    header: ['www-authenticate', /error="insufficient_scope"/],
  },
  {
    name: 'a service account with the global content manager’s scope that writes in its own name',
    run: (world) =>
      withApp(
        world,
        { scopes: [...ALL, 'gcm'], reauthorise: true },
        { scopes: ALL, reauthorise: true },
        async () =>
          json(
            world,
            'POST',
            '/2.0/folders',
            { name: world.fresh(), parent: { id: world.folder } },
            await world.rig.service(),
          ),
      ),
    status: 403,
    code: 'insufficient_scope',
  },
  {
    name: 'the event stream with a narrowed token',
    run: async ({ rig, owner }) => rig.events(await narrowed(rig, owner), 'now'),
    status: 403,
    code: 'insufficient_scope',
  },
  {
    name: 'a write with a token that was narrowed to downloads',
    run: async (world) =>
      json(
        world,
        'PUT',
        `/2.0/files/${world.file}`,
        { name: world.fresh() },
        await narrowed(world.rig, world.owner),
      ),
    status: 403,
    code: 'insufficient_scope',
  },
];
