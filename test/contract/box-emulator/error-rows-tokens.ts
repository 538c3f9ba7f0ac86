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
    name: 'a wrong client id',
    run: async ({ rig }) => rig.grant(await rig.assertion(), { client_id: 'wrong' }),
    status: 400,
    oauth: 'invalid_client',
    message: 'The client credentials are invalid',
  },
  {
    name: 'a jti that is too long',
    run: async ({ rig }) => rig.grant(await rig.assertion({ jti: 'x'.repeat(129) })),
    status: 400,
    oauth: 'invalid_grant',
    message: "Please check the 'jti' claim. A unique 'jti' value is required.",
  },
  {
    name: 'a subject type that there is not',
    run: async ({ rig }) => rig.grant(await rig.assertion({ box_sub_type: 'group' })),
    status: 400,
    oauth: 'invalid_grant',
    message: "Please check the 'sub' claim. The 'sub' specified is invalid.",
  },
  {
    name: 'an account of another enterprise as the subject',
    run: async ({ rig }) => {
      const { id } = await rig.appUser('gone elsewhere');
      await rig.control('POST', `/users/${id}/leave`);
      return rig.grant(await rig.assertion(subject(id)));
    },
    status: 400,
    oauth: 'invalid_grant',
    message: "Please check the 'sub' claim. The 'sub' specified is invalid.",
  },
];
