import { generateKeyPairSync } from 'node:crypto';
import { rename } from 'node:fs/promises';
import type { AdminWorld } from '../../support/admin-world.ts';
import { type BrokenStep, faulty, nothing } from './broken-step.ts';

const TOKEN_PATH = { method: 'POST', path: '/oauth2/token' };

/** The token endpoint answers with this error, as Box words it. */
const tokenError =
  (error: string, description: string) =>
  async (world: AdminWorld): Promise<() => Promise<unknown>> => {
    await world.fault(TOKEN_PATH, {
      kind: 'status',
      status: 400,
      body: { error, error_description: description },
    });
    return () => world.control('DELETE', '/faults');
  };

const app =
  (change: Record<string, unknown>, back: Record<string, unknown>) =>
  async (world: AdminWorld): Promise<() => Promise<unknown>> => {
    await world.app(change);
    return () => world.app(back);
  };

const key =
  (change: Parameters<AdminWorld['writeKey']>[0]) =>
  async (world: AdminWorld): Promise<() => Promise<unknown>> => {
    await world.writeKey(change);
    return () => world.writeKey();
  };

const ALL = [
  'root_readonly',
  'root_readwrite',
  'manage_managed_users',
  'manage_app_users',
  'manage_groups',
] as const;
const without = (...gone: readonly string[]) => ALL.filter((scope) => !gone.includes(scope));
const scopes = (...gone: readonly string[]) => app({ scopes: without(...gone) }, { scopes: ALL });

/** An RSA key that is not the app's, closed with the same passphrase. */
function foreignKey(passphrase: string): string {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
  }).privateKey;
}

const keyFile: readonly BrokenStep[] = [
  {
    name: 'the key file is not where the configuration says',
    step: 'key-file',
    spoil: async (world) => {
      await rename(world.keyPath, `${world.keyPath}.away`);
      return () => rename(`${world.keyPath}.away`, world.keyPath);
    },
    means: /does not exist/,
  },
  {
    name: 'the key file is another file',
    step: 'key-file',
    spoil: async (world) => {
      await world.writeKeyText('PK\u0003\u0004');
      return () => world.writeKey();
    },
    means: /not as Box downloads it/,
  },
  {
    name: 'the key file lacks its secret',
    step: 'key-file',
    spoil: key({ boxAppSettings: { clientSecret: '' } }),
    means: /boxAppSettings\.clientSecret/,
  },
  {
    name: 'the passphrase is wrong',
    step: 'passphrase',
    spoil: key({ appAuth: { passphrase: 'wrong' } }),
    means: /does not open with the passphrase/,
  },
  {
    name: 'nothing answers',
    step: 'reach',
    api: 'http://127.0.0.1:9',
    spoil: nothing,
    means: /No answer from/,
  },
  {
    name: 'a proxy answers with a page of its own',
    step: 'reach',
    spoil: faulty({ path: '/2.0/users/me' }, { status: 200, body: '<html>Please log in</html>' }),
    means: /not JSON.*proxy/s,
  },
  {
    name: 'the clock is two minutes behind',
    step: 'clock',
    blocks: false,
    spoil: async (world) => {
      await world.control('POST', '/settings', { clockOffsetMs: 120_000 });
      return () => world.control('POST', '/settings', { clockOffsetMs: 0 });
    },
    means: /clock is (119|120|121) s behind Box's/,
  },
  {
    name: 'the clock is two minutes ahead',
    step: 'clock',
    blocks: false,
    spoil: async (world) => {
      await world.control('POST', '/settings', { clockOffsetMs: -120_000 });
      return () => world.control('POST', '/settings', { clockOffsetMs: 0 });
    },
    means: /clock is (119|120|121) s ahead of Box's/,
  },
];

const login: readonly BrokenStep[] = [
  {
    name: 'the client secret was reset',
    step: 'app',
    spoil: key({ boxAppSettings: { clientSecret: 'old' } }),
    means: /does not know the client id and secret/,
    answer: [400, 'invalid_client'],
  },
  {
    name: 'the login was signed for another app',
    step: 'app',
    spoil: tokenError('invalid_grant', "Please check the 'iss' claim."),
    means: /does not know the client id/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'the app logs in through a browser',
    step: 'app-kind',
    spoil: tokenError('unauthorized_client', 'The grant type is unauthorized for this client_id'),
    means: /not of the kind that logs in with a key pair/,
    answer: [400, 'unauthorized_client'],
  },
  {
    name: 'the app logs in through a browser, in Box’s newer words',
    step: 'app-kind',
    spoil: tokenError('invalid_request', 'The grant type is unauthorized for this client_id.'),
    means: /not of the kind that logs in with a key pair/,
    answer: [400, 'invalid_request'],
  },
  {
    name: 'the app logs in by id and secret',
    step: 'app-kind',
    spoil: tokenError(
      'unauthorized_client',
      'The "box_subject_type" value is unauthorized for this client_id',
    ),
    means: /not of the kind/,
    answer: [400, 'unauthorized_client'],
  },
  {
    name: 'the login is refused as one by id and secret',
    step: 'app-kind',
    spoil: tokenError('invalid_grant', 'Grant credentials are invalid'),
    means: /not of the kind/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'the kind of login got lost',
    step: 'app-kind',
    spoil: tokenError('invalid_request', 'Invalid grant_type parameter or parameter missing'),
    means: /not of the kind/,
    answer: [400, 'invalid_request'],
  },
  {
    name: 'the key pair was removed',
    step: 'key-pair',
    spoil: app({ keyRevoked: true }, { keyRevoked: false }),
    means: /does not know the key of this file/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'the key id is another app’s',
    step: 'key-pair',
    spoil: key({ appAuth: { publicKeyID: 'another1' } }),
    means: /does not know the key of this file/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'the private key is another one',
    step: 'key-pair',
    spoil: async (world) => {
      const { passphrase } = world.emulator.configuration.boxAppSettings.appAuth;
      await world.writeKey({ appAuth: { privateKey: foreignKey(passphrase) } });
      return () => world.writeKey();
    },
    means: /does not belong to the key id/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'the key is of a kind that Box does not take',
    step: 'key-pair',
    spoil: tokenError('invalid_grant', 'Algorithm not allowed'),
    means: /must be an RSA key/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'the enterprise is 0, as for a personal account',
    step: 'enterprise-id',
    spoil: key({ enterpriseID: '0' }),
    means: /does not know the enterprise/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'no administrator has authorised the app',
    step: 'authorised',
    spoil: async (world) => {
      await world.app({ authorised: false, reauthorise: false });
      return () => world.app({ authorised: true });
    },
    means: /waits for an administrator's authorisation/,
    answer: [400, 'unauthorized_client'],
  },
  {
    name: 'logins arrive twice',
    step: 'login',
    spoil: tokenError('invalid_grant', "Please check the 'jti' claim. A unique 'jti' value is required."),
    means: /seen this login before/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'logins arrive late',
    step: 'login',
    spoil: tokenError(
      'invalid_grant',
      "Current date/time MUST be before the expiration date/time listed in the 'exp' claim",
    ),
    means: /holds requests back/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'logins count as too long-lived',
    step: 'login',
    spoil: tokenError(
      'invalid_grant',
      "Please check the 'exp' claim. The 'exp' value exceeds the maximum value of 60 seconds beyond the issue time.",
    ),
    means: /holds requests back/,
    answer: [400, 'invalid_grant'],
  },
  {
    name: 'the key file names a user, and the app may not log in for users',
    step: 'login',
    spoil: tokenError(
      'invalid_request',
      'Cannot obtain user token based on the enterprise configuration for your app',
    ),
    means: /Remove userID/,
    answer: [400, 'invalid_request'],
  },
  {
    name: 'Box refuses in words that nobody has seen yet',
    step: 'login',
    spoil: tokenError('temporarily_strange', 'The moon is in the wrong house'),
    means: /temporarily_strange: The moon/,
    answer: [400, 'temporarily_strange'],
  },
  {
    name: 'Box’s login is out of order',
    step: 'login',
    spoil: faulty(TOKEN_PATH, { status: 503 }),
    means: /gave no usable answer/,
    answer: [503, 'unavailable'],
  },
  {
    name: 'the enterprise switches unpublished apps off',
    step: 'enabled',
    spoil: app({ enabled: false }, { enabled: true }),
    means: /keeps apps like it switched off/,
    answer: [401, 'unauthorized'],
  },
  {
    name: 'the app’s account was deactivated',
    step: 'enabled',
    spoil: async (world) => {
      const path = `/2.0/users/${world.emulator.serviceAccountId}`;
      await world.api('PUT', path, { status: 'inactive' });
      return () => world.api('PUT', path, { status: 'active' });
    },
    means: /its account deactivated/,
    answer: [401, null],
  },
];

const rights: readonly BrokenStep[] = [
  {
    name: 'reading is not ticked',
    step: 'read-scope',
    spoil: scopes('root_readonly', 'root_readwrite'),
    means: /not allowed to read files/,
    answer: [403, 'insufficient_scope'],
  },
  {
    name: 'reading is refused with Box’s other code',
    step: 'read-scope',
    spoil: faulty(
      { method: 'GET', path: '/2.0/folders/0/items' },
      { status: 403, code: 'access_denied_insufficient_permissions' },
    ),
    means: /not allowed to read files/,
    answer: [403, 'access_denied_insufficient_permissions'],
  },
  {
    name: 'writing is not ticked',
    step: 'write-scope',
    spoil: scopes('root_readwrite'),
    means: /not allowed to write files/,
    answer: [403, 'insufficient_scope'],
  },
  {
    name: 'writing was ticked after the last authorisation',
    step: 'write-scope',
    spoil: async (world) => {
      await world.app({ scopes: without('root_readwrite') });
      await world.app({ scopes: ALL, reauthorise: false });
      return () => world.app({ scopes: ALL });
    },
    means: /ticked after an administrator last authorised/,
    answer: [403, 'insufficient_scope'],
  },
  {
    name: 'managing users is not ticked',
    step: 'users-scope',
    spoil: scopes('manage_managed_users', 'manage_app_users'),
    means: /not allowed to manage users/,
    answer: [403, 'insufficient_scope'],
  },
  {
    name: 'managing groups is not ticked',
    step: 'groups-scope',
    spoil: scopes('manage_groups'),
    means: /not allowed to manage groups/,
    answer: [403, 'insufficient_scope'],
  },
  {
    name: 'the app has App access only, and an administrator made the group',
    step: 'access-level',
    spoil: app({ access: 'app' }, { access: 'enterprise' }),
    means: /sees only users and groups that it made itself/,
  },
  {
    name: 'user tokens are not ticked',
    step: 'user-tokens',
    blocks: false,
    spoil: app({ userTokens: false }, { userTokens: true }),
    means: /may not log in for its users.*uses the other way/,
    answer: [400, 'invalid_request'],
  },
  {
    name: 'the as-user header is not ticked',
    step: 'as-user',
    blocks: false,
    spoil: app({ asUserHeader: false }, { asUserHeader: true }),
    means: /may not act in the name of its users.*uses the other way/,
    answer: [403, 'access_denied_insufficient_permissions'],
  },
];

/** From the key file to what the app as a whole may do. */
export const BROKEN_APP_STEPS: readonly BrokenStep[] = [...keyFile, ...login, ...rights];
