import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Finding, StepId } from '../../../src/sync/admin/finding.ts';
import { AdminWorld, FOLDER } from '../../support/admin-world.ts';

let world: AdminWorld;

beforeAll(async () => {
  world = await AdminWorld.open();
  await world.followGuide(['site_a']);
});
afterAll(() => world.close());

const client = (name = 'site_a') => ({ side: 'client', participants: [name] }) as const;
const of = (findings: readonly Finding[], step: StepId) => findings.find((finding) => finding.step === step);
const failed = (findings: readonly Finding[]) =>
  findings.filter(({ status }) => status === 'failed').map(({ step, blocks }) => [step, blocks]);

describe('a client’s file', () => {
  it('is asked about the client’s part only, and looked at with the client’s own account', async () => {
    await world.control('POST', '/stats/reset', {});
    const findings = await world.doctor(client());
    expect(findings.every(({ status }) => status === 'ok')).toBe(true);
    const steps = findings.map(({ step }) => step);
    for (const absent of ['service-account', 'folder-owner', 'storage', 'api-calls'])
      expect(steps).not.toContain(absent);
    const { calls } = (await world.control('GET', '/stats')) as {
      calls: { by_user: Record<string, number> };
    };
    expect(calls.by_user['site_a']).toBeGreaterThan(5);
  });

  it('warns that the key file lets its holder act as everybody', async () => {
    expect(of(await world.doctor(client()), 'key-reach')?.warnings).toEqual([
      expect.stringMatching(/act as every participant.*manage users and groups.*docs\/security\.md/s),
    ]);
  });

  it('lets a client begin whose account is made at its first start', async () => {
    const findings = await world.doctor(client('site_new'));
    expect(failed(findings)).toEqual([['participants', false]]);
    expect(of(findings, 'shared-folder')).toMatchObject({
      status: 'ok',
      text: expect.stringContaining('as soon as it is in the group'),
    });
    expect(of(findings, 'save-path')?.status).toBe('cannot-tell');
  });

  it('sees a role that is too weak although its own account is not there yet', async () => {
    await changeRole('uploader');
    expect(failed(await world.doctor(client('site_new')))).toEqual([
      ['participants', false],
      ['folder-role', true],
    ]);
    await changeRole('editor');
  });

  it('is enough for a client that the group may view and upload, and then tries no writing', async () => {
    await changeRole('viewer uploader');
    const before = (await world.items()).length;
    const findings = await world.doctor(client());
    expect(failed(findings)).toEqual([]);
    expect(of(findings, 'save-path')).toMatchObject({
      status: 'cannot-tell',
      text: expect.stringContaining('could not remove'),
    });
    expect(await world.items()).toHaveLength(before);
    await changeRole('editor');
  });

  it('lets the server be Editor by itself where the group is less', async () => {
    await changeRole('viewer uploader');
    const own = await world.api('POST', '/2.0/collaborations', {
      item: { type: 'folder', id: world.ids.folder },
      accessible_by: { type: 'user', id: world.emulator.serviceAccountId },
      role: 'editor',
    });
    const findings = await world.doctor();
    expect(failed(findings)).toEqual([]);
    expect(of(findings, 'save-path')?.status).toBe('ok');
    await world.api('DELETE', `/2.0/collaborations/${own['id']}`);
    await changeRole('editor');
  });

  it('cannot work when the app may neither log in for users nor act in their name', async () => {
    await world.app({ userTokens: false, asUserHeader: false });
    const findings = await world.doctor(client());
    expect(failed(findings)).toEqual([
      ['user-tokens', true],
      ['as-user', true],
    ]);
    expect(of(findings, 'shared-folder')).toMatchObject({ status: 'skipped', because: 'as-user' });
    await world.app({ userTokens: true, asUserHeader: true });
  });

  it('works through the app when the app may only act in its users’ names', async () => {
    await world.app({ userTokens: false });
    const findings = await world.doctor(client());
    expect(failed(findings)).toEqual([['user-tokens', false]]);
    expect(of(findings, 'save-path')?.status).toBe('ok');
    await world.app({ userTokens: true });
  });

  it('is told when it would work in a person’s name', async () => {
    const made = await world.api('POST', '/2.0/users', { name: 'Ada', login: 'ada@emulator.example' });
    await world.join(String(made['id']));
    expect(of(await world.doctor(client('Ada')), 'participants')?.warnings).toEqual([
      expect.stringContaining("a person's account (ada@emulator.example)"),
    ]);
  });
});

describe('a participant’s own app', () => {
  const ownApp = { side: 'own-app-client', participants: ['site_own'] } as const;
  const FULL = [
    'root_readonly',
    'root_readwrite',
    'manage_managed_users',
    'manage_app_users',
    'manage_groups',
  ];
  const narrowed = { scopes: FULL.slice(0, 2), userTokens: false, asUserHeader: false };

  afterEach(() => world.app({ scopes: FULL, userTokens: true, asUserHeader: true }));

  it('needs nothing but files, and is told when it can do more', async () => {
    const findings = await world.doctor(ownApp);
    expect(failed(findings)).toEqual([]);
    expect(of(findings, 'key-reach')?.warnings).toEqual([expect.stringContaining('may manage users')]);
    await world.app(narrowed);
    const narrow = await world.doctor(ownApp);
    expect(narrow.map(({ step, status }) => [step, status])).toEqual(narrow.map(({ step }) => [step, 'ok']));
    expect(of(narrow, 'key-reach')?.warnings).toEqual([]);
    expect(of(narrow, 'participants')?.warnings).toEqual([expect.stringContaining('named "mila-sync app"')]);
  });

  it('has to be put into the group by an administrator', async () => {
    await world.leave(world.emulator.serviceAccountId);
    await world.app(narrowed);
    const findings = await world.doctor(ownApp);
    expect(failed(findings)).toEqual([['participants', true]]);
    expect(of(findings, 'participants')?.mend[0]?.what).toContain('add "mila-sync app"');
    await world.app({ scopes: FULL });
    await world.join(world.emulator.serviceAccountId);
  });
});

async function changeRole(role: string): Promise<void> {
  const { entries } = await world.api('GET', `/2.0/folders/${world.ids.folder}/collaborations`);
  const [invitation] = entries as readonly { id: string }[];
  await world.api('PUT', `/2.0/collaborations/${invitation?.id}`, { role });
}

describe('a server’s file without a group', () => {
  it('is checked as far as that goes', async () => {
    const findings = await world.doctor({ groupName: undefined });
    expect(failed(findings)).toEqual([]);
    expect(of(findings, 'group')).toMatchObject({
      status: 'cannot-tell',
      text: expect.stringContaining('group_name'),
    });
    expect(of(findings, 'save-path')?.status).toBe('ok');
  });
});

describe('the key file', () => {
  it('is complained of when others on this machine can read it', async () => {
    await world.writeKey({}, 0o644);
    const finding = of(await world.doctor(client()), 'key-file');
    expect(finding).toMatchObject({ status: 'ok', warnings: [expect.stringContaining("chmod 600 '")] });
    await world.writeKey();
  });

  it('may be one that logs in by a developer token, which is told to end soon', async () => {
    const { access_token } = await world.control(
      'POST',
      `/users/${world.emulator.serviceAccountId}/token`,
      {},
    );
    const { baseUrls } = world.emulator.configuration;
    await world.writeKeyText(JSON.stringify({ developerToken: access_token, baseUrls }));
    const findings = await world.doctor();
    expect(of(findings, 'key-file')?.warnings).toEqual([expect.stringContaining('ends after an hour')]);
    expect(of(findings, 'shared-folder')?.text).toContain(FOLDER);
    await world.writeKey();
  });
});
