import { type AdminWorld, FOLDER, GROUP } from '../../support/admin-world.ts';
import { type BrokenStep, faulty, nothing } from './broken-step.ts';

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
    means:
      /2 folders named "shared models".*\(\d+, owned by "Administrator"; \d+, owned by "Administrator"\)/,
  },
  {
    name: 'the app owns a folder of the name, beside the one that is shared with it',
    step: 'shared-folder',
    spoil: async (world) => {
      const own = await world.createFolder(FOLDER, world.emulator.serviceAccountId);
      return () => world.api('DELETE', `/2.0/folders/${own}`, undefined, world.emulator.serviceAccountId);
    },
    means: /2 folders named "shared models".*owned by "Administrator".*owned by "mila-sync app"/,
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
  ...(
    [
      ['cannot be reached', { kind: 'drop_before' }],
      ['is forbidden by a proxy', { kind: 'status', status: 403, body: '<html>blocked by policy</html>' }],
      ['ends every wait by a page', { kind: 'status', status: 200, body: '<html>log in</html>' }],
    ] as const
  ).map(
    ([how, action]): BrokenStep => ({
      name: `the realtime server ${how}`,
      step: 'wake-up',
      blocks: false,
      spoil: async (world) => {
        await world.fault({ path: '/subscribe' }, action);
        return () => world.control('DELETE', '/faults');
      },
      means: /realtime server 127\.0\.0\.1:\d+ is out of reach; allow \*\.realtime\.services\.box\.net/,
    }),
  ),
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

/** The group, who is in it, the folder that they share, and what the plan allows. */
export const BROKEN_SHARED_STEPS: readonly BrokenStep[] = [...people, ...folder, ...rest];
