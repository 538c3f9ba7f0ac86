import { generateKeyPairSync } from 'node:crypto';
import { rename } from 'node:fs/promises';
import type { StepId } from '../../../src/sync/admin/finding.ts';
import type { Wanted } from '../../../src/sync/admin/look.ts';
import { type AdminWorld, FOLDER, GROUP } from '../../support/admin-world.ts';

/** One step broken in one way, and what must be said about it. */
export interface BrokenStep {
  readonly name: string;
  readonly step: StepId;
  readonly wanted?: Partial<Wanted>;
  readonly api?: string;
  /** Breaks it, and returns how it is mended. */
  readonly spoil: (world: AdminWorld) => Promise<() => Promise<unknown>>;
  readonly means: RegExp;
  /** Status and code of Box's answer, where Box is what refuses. */
  readonly answer?: readonly [number, string | null];
  /** Default true. */
  readonly blocks?: boolean;
  /** Steps that cannot be told any more, beside the one that never can. */
  readonly untold?: readonly StepId[];
}

const nothing = async () => async () => undefined;

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

const faulty =
  (match: Record<string, unknown>, action: Record<string, unknown>) =>
  async (world: AdminWorld): Promise<() => Promise<unknown>> => {
    await world.fault(match, { kind: 'status', ...action });
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

const people: readonly BrokenStep[] = [
  {
    name: 'the group has another name',
    step: 'group',
    spoil: async (world) => {
      await world.api('PUT', `/2.0/groups/${world.ids.group}`, { name: `${GROUP} 2026` });
      return () => world.api('PUT', `/2.0/groups/${world.ids.group}`, { name: GROUP });
    },
    means: /no group named exactly "federation", but "federation 2026"/,
  },
  {
    name: 'the app is not in the group',
    step: 'service-account',
    spoil: async (world) => {
      await world.leave(world.emulator.serviceAccountId);
      return () => world.join(world.emulator.serviceAccountId);
    },
    means: /"mila-sync app" \(AutomationUser_.*is not in the group/,
  },
  {
    name: 'a participant has no account',
    step: 'participants',
    blocks: false,
    wanted: { participants: ['site_a', 'site_z'] },
    spoil: nothing,
    means: /no account yet for "site_z"/,
  },
  {
    name: 'a participant is not in the group',
    step: 'participants',
    blocks: false,
    wanted: { participants: ['site_a'] },
    spoil: async (world) => {
      const id = world.ids.users.get('site_a') ?? '';
      await world.leave(id);
      return () => world.join(id);
    },
    means: /"site_a" is not yet in the group/,
  },
];

/** Another folder stands in for the shared one. */
async function replaceFolder(world: AdminWorld, owner: string): Promise<() => Promise<unknown>> {
  const path = `/2.0/folders/${world.ids.folder}`;
  await world.api('PUT', path, { name: 'put aside' });
  const other = await world.createFolder(FOLDER, owner);
  await world.invite(other, 'editor', {}, owner);
  return async () => {
    await world.api('DELETE', `/2.0/folders/${other}`, undefined, owner);
    await world.api('PUT', path, { name: FOLDER });
  };
}

/** The group's invitation as somebody has changed it. */
const invitation =
  (change: Record<string, unknown>) =>
  async (world: AdminWorld): Promise<() => Promise<unknown>> => {
    const { entries } = await world.api('GET', `/2.0/folders/${world.ids.folder}/collaborations`);
    const id = (entries as readonly { id: string }[])[0]?.id;
    await world.api('PUT', `/2.0/collaborations/${id}`, change);
    return () =>
      world.api('PUT', `/2.0/collaborations/${id}`, {
        role: 'editor',
        status: 'accepted',
        expires_at: null,
      });
  };

const folder: readonly BrokenStep[] = [
  {
    name: 'the folder has another name',
    step: 'shared-folder',
    spoil: async (world) => {
      await world.api('PUT', `/2.0/folders/${world.ids.folder}`, { name: 'models' });
      return () => world.api('PUT', `/2.0/folders/${world.ids.folder}`, { name: FOLDER });
    },
    means:
      /No folder named "shared models" is shared with the group "federation"\. It is invited to "models"/,
  },
  {
    name: 'the folder’s name is a path',
    step: 'shared-folder',
    wanted: { sharedFolder: 'kmol/models' },
    spoil: nothing,
    means: /one folder's name, without "\/"/,
  },
  {
    name: 'two folders have the name',
    step: 'shared-folder',
    spoil: async (world) => {
      const above = await world.createFolder('somewhere else');
      const made = await world.control('POST', '/folders', { parent_id: above, name: FOLDER });
      await world.invite(String(made['id']));
      return () => world.api('DELETE', `/2.0/folders/${above}?recursive=true`);
    },
    means: /2 folders named "shared models"/,
  },
  {
    name: 'the invitation was not accepted',
    step: 'shared-folder',
    spoil: invitation({ status: 'pending' }),
    means: /was not accepted yet/,
  },
  {
    name: 'the invitation has ended',
    step: 'shared-folder',
    spoil: invitation({ expires_at: '2026-01-01T00:00:00Z' }),
    means: /invitation to "shared models" ended on/,
  },
  {
    name: 'the folder belongs to a partner',
    step: 'folder-owner',
    blocks: false,
    untold: ['storage'],
    spoil: async (world) => {
      const made = await world.api('POST', '/2.0/users', {
        name: 'Partner',
        login: `partner-${Math.random()}@elsewhere.example`,
      });
      const back = await replaceFolder(world, String(made['id']));
      await world.control('POST', `/users/${made['id']}/leave`);
      return back;
    },
    means: /"Partner" belongs to another enterprise/,
  },
  {
    name: 'the owner’s storage is full',
    step: 'storage',
    spoil: async (world) => {
      const path = `/2.0/users/${world.emulator.adminUserId}`;
      await world.api('PUT', path, { space_amount: 1000 });
      return () => world.api('PUT', path, { space_amount: 10_737_418_240 });
    },
    means: /"Administrator" has 1000 B of 1000 B left/,
  },
  ...(
    [
      ['viewer', /can only read/],
      ['previewer', /can only look/],
      ['uploader', /neither download nor change/],
      ['previewer uploader', /neither download nor change/],
      ['viewer uploader', /app's own account is "viewer uploader".*but not delete/],
    ] as const
  ).map(
    ([role, means]): BrokenStep => ({
      name: `the group is ${role}`,
      step: 'folder-role',
      spoil: invitation({ role }),
      means,
    }),
  ),
  {
    name: 'the app itself is invited, and the group is not',
    step: 'folder-role',
    spoil: async (world) => {
      const { entries } = await world.api('GET', `/2.0/folders/${world.ids.folder}/collaborations`);
      await world.api('DELETE', `/2.0/collaborations/${(entries as readonly { id: string }[])[0]?.id}`);
      const own = await world.api('POST', '/2.0/collaborations', {
        item: { type: 'folder', id: world.ids.folder },
        accessible_by: { type: 'user', id: world.emulator.serviceAccountId },
        role: 'editor',
      });
      return async () => {
        await world.api('DELETE', `/2.0/collaborations/${own['id']}`);
        await world.invite(world.ids.folder);
      };
    },
    means: /The group "federation" is not invited to the folder/,
  },
];

const rest: readonly BrokenStep[] = [
  {
    name: 'a file stands where the folder of the runs should be',
    step: 'save-path',
    spoil: async (world) => {
      const form = new FormData();
      form.append('attributes', JSON.stringify({ name: 'jwt', parent: { id: world.ids.folder } }));
      form.append('file', new Blob(['x']), 'file');
      const { access_token } = await world.control('POST', `/users/${world.emulator.adminUserId}/token`, {});
      const response = await fetch(`${world.emulator.url}/api/2.0/files/content`, {
        method: 'POST',
        headers: { authorization: `Bearer ${String(access_token)}` },
        body: form,
      });
      const made = (await response.json()) as { entries: readonly { id: string }[] };
      return () => world.api('DELETE', `/2.0/files/${made.entries[0]?.id}`);
    },
    means: /"jwt" in the shared folder is a file/,
  },
  {
    name: 'save_path is written in Windows’ way',
    step: 'save-path',
    wanted: { savePath: ['jwt\\run'] },
    spoil: nothing,
    means: /no name that Box allows/,
  },
  {
    name: 'a rule of the enterprise forbids uploads',
    step: 'save-path',
    spoil: faulty(
      { method: 'POST', path: '/2.0/files/content' },
      { status: 403, code: 'forbidden_by_policy', message: 'Forbidden by policy' },
    ),
    means: /may not do this here/,
    answer: [403, 'forbidden_by_policy'],
  },
  {
    name: 'the model is larger than the plan allows',
    step: 'upload-size',
    wanted: { largestFileBytes: 5000 },
    spoil: async (world) => {
      await world.control('POST', '/settings', { fileSizeMaxBytes: 4096 });
      return () => world.control('POST', '/settings', { fileSizeMaxBytes: 53_687_091_200 });
    },
    means: /takes files up to 4\.0 KiB.*has 4\.9 KiB/,
  },
];

/** Every step of a server's set-up, broken alone. */
export const BROKEN_STEPS: readonly BrokenStep[] = [
  ...keyFile,
  ...login,
  ...rights,
  ...people,
  ...folder,
  ...rest,
];
