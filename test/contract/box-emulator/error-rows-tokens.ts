import { during, type ErrorRow, withApp } from './world.ts';

const seconds = () => Math.floor(Date.now() / 1000);
const subject = (sub: string) => ({ sub, box_sub_type: 'user' });

/** Source: developer.box.com guides, common errors, and error texts as clients have reported them. */
export const TOKEN_ROWS: readonly ErrorRow[] = [
  {
    name: 'an app that no administrator has authorised',
    run: (world) =>
      withApp(world, { authorised: false }, { authorised: true }, async () =>
        world.rig.grant(await world.rig.assertion()),
      ),
    status: 400,
    oauth: 'unauthorized_client',
    message: 'This app is not authorized by the enterprise admin',
  },
  {
    name: 'a wrong client secret',
    run: async ({ rig }) => rig.grant(await rig.assertion(), { client_secret: 'wrong' }),
    status: 400,
    oauth: 'invalid_client',
    message: 'The client credentials are invalid',
  },
  {
    name: 'an assertion that has run out',
    run: async ({ rig }) => rig.grant(await rig.assertion({ exp: seconds() - 5 })),
    status: 400,
    oauth: 'invalid_grant',
    message: "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
    header: ['date', /GMT$/],
  },
  {
    name: 'an assertion that lives too long',
    run: async ({ rig }) => rig.grant(await rig.assertion({ exp: seconds() + 600 })),
    status: 400,
    oauth: 'invalid_grant',
    message: /^Please check the 'exp' claim\. The 'exp' value exceeds the maximum value of 60 seconds/,
  },
  {
    name: 'a clock of Box that runs ahead',
    run: (world) =>
      during(world, { clockOffsetMs: 120_000 }, { clockOffsetMs: 0 }, async () =>
        world.rig.grant(await world.rig.assertion()),
      ),
    status: 400,
    oauth: 'invalid_grant',
    message: /'exp' claim$/,
  },
  {
    name: 'an assertion that was used before',
    run: async ({ rig }) => {
      const assertion = await rig.assertion();
      await rig.grant(assertion);
      return rig.grant(assertion);
    },
    status: 400,
    oauth: 'invalid_grant',
    message: "Please check the 'jti' claim. A unique 'jti' value is required.",
  },
  {
    name: 'a jti that is too short',
    run: async ({ rig }) => rig.grant(await rig.assertion({ jti: 'short' })),
    status: 400,
    oauth: 'invalid_grant',
    message: /^Please check the 'jti' claim\./,
  },
  {
    name: 'an enterprise that is not the app’s',
    run: async ({ rig }) => rig.grant(await rig.assertion({ sub: '0' })),
    status: 400,
    oauth: 'invalid_grant',
    message: "Please check the 'sub' claim. The 'sub' specified is invalid.",
  },
  {
    name: 'a user who does not exist',
    run: async ({ rig }) => rig.grant(await rig.assertion(subject('12345'))),
    status: 400,
    oauth: 'invalid_grant',
    message: /^Please check the 'sub' claim/,
  },
  {
    name: 'another app’s assertion',
    run: async ({ rig }) => rig.grant(await rig.assertion({ iss: 'another' })),
    status: 400,
    oauth: 'invalid_grant',
    message: "Please check the 'iss' claim.",
  },
  {
    name: 'an unknown key id',
    run: async ({ rig }) => rig.grant(await rig.assertion({}, { kid: 'another' })),
    status: 400,
    oauth: 'invalid_grant',
    message: '"kid" invalid, unable to lookup correct key',
  },
  {
    name: 'a key that was revoked',
    run: (world) =>
      withApp(world, { keyRevoked: true }, { keyRevoked: false }, async () =>
        world.rig.grant(await world.rig.assertion()),
      ),
    status: 400,
    oauth: 'invalid_grant',
    message: '"kid" invalid, unable to lookup correct key',
  },
  {
    name: 'a signature that is not the key’s',
    run: async ({ rig }) => {
      const [head, body, signature = ''] = (await rig.assertion()).split('.');
      return rig.grant(`${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`);
    },
    status: 400,
    oauth: 'invalid_grant',
    message: /^Signature verification error/,
  },
  {
    name: 'an algorithm that is not allowed',
    run: ({ rig }) => {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return rig.grant(`${part({ alg: 'none' })}.${part({ iss: 'x' })}.`);
    },
    status: 400,
    oauth: 'invalid_grant',
    message: 'Algorithm not allowed',
  },
  {
    name: 'something that is no assertion',
    run: ({ rig }) => rig.grant('garbage'),
    status: 400,
    oauth: 'invalid_grant',
  },
  {
    name: 'a user token for an app without user access tokens',
    run: (world) =>
      withApp(
        world,
        { userTokens: false, reauthorise: true },
        { userTokens: true, reauthorise: true },
        async () => world.rig.grant(await world.rig.assertion(subject(world.editor.id))),
      ),
    status: 400,
    oauth: 'invalid_request',
    message: 'Cannot obtain user token based on the enterprise configuration for your app',
  },
  {
    name: 'a managed user for an app with app access alone',
    run: (world) =>
      withApp(
        world,
        { access: 'app', reauthorise: true },
        { access: 'enterprise', reauthorise: true },
        async () => world.rig.grant(await world.rig.assertion(subject(world.rig.running.adminUserId))),
      ),
    status: 400,
    oauth: 'invalid_request',
    message: /^Cannot obtain user token/,
  },
  {
    name: 'the service account as a user',
    run: async ({ rig }) => rig.grant(await rig.assertion(subject(rig.running.serviceAccountId))),
    status: 400,
    oauth: 'invalid_request',
  },
  {
    name: 'a grant that this app may not use',
    run: ({ rig }) => {
      const { clientID, clientSecret } = rig.running.configuration.boxAppSettings;
      return rig.form({ grant_type: 'refresh_token', client_id: clientID, client_secret: clientSecret });
    },
    status: 400,
    oauth: 'unauthorized_client',
    message: 'The grant type is unauthorized for this client_id',
  },
  {
    name: 'no grant at all',
    run: ({ rig }) => rig.form({}),
    status: 400,
    oauth: 'invalid_request',
    message: 'Invalid grant_type parameter or parameter missing',
  },
  {
    name: 'a token exchange of an unknown token',
    run: ({ rig }) =>
      rig.form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: 'unknown',
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope: 'item_download',
      }),
    status: 400,
    oauth: 'invalid_grant',
  },
  {
    name: 'a token exchange for a scope that there is not',
    run: ({ rig, owner }) =>
      rig.form({
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: owner,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        scope: 'everything',
      }),
    status: 400,
    oauth: 'invalid_scope',
  },
];

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
    header: ['www-authenticate', /error="invalid_token"/],
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
  },
];
