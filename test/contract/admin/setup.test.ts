import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SetupAction } from '../../../src/sync/admin/setup-works.ts';
import { AdminWorld, FOLDER, GROUP } from '../../support/admin-world.ts';

let world: AdminWorld;

beforeEach(async () => {
  world = await AdminWorld.open();
});
afterEach(() => world.close());

const states = (actions: readonly SetupAction[]) => actions.map(({ part, state }) => `${part} ${state}`);

/** Everything in the enterprise that setup could touch. */
async function everything(): Promise<unknown> {
  const service = world.emulator.serviceAccountId;
  const groups = (await world.api('GET', '/2.0/groups', undefined, service))['entries'] as { id: string }[];
  return {
    items: await world.items(),
    groups,
    users: (await world.api('GET', '/2.0/users?limit=1000', undefined, service))['entries'],
    memberships: await Promise.all(
      groups.map(({ id }) => world.api('GET', `/2.0/groups/${id}/memberships`, undefined, service)),
    ),
    invitations: await Promise.all(
      groups.map(({ id }) => world.api('GET', `/2.0/groups/${id}/collaborations`, undefined, service)),
    ),
  };
}

describe('setup in an empty enterprise', () => {
  it('says on a dry run what it would make, and touches nothing', async () => {
    const before = await everything();
    expect(states(await world.setup(['site_a'], { dryRun: true }))).toEqual([
      'group would-make',
      'service-account would-make',
      'folder would-make',
      'invitation would-make',
      'participant would-make',
      'membership would-make',
    ]);
    expect(await everything()).toEqual(before);
  });

  it('makes it all, so that every step of the set-up is in order, and nothing the second time', async () => {
    expect(states(await world.setup(['site_a', 'site_b']))).toEqual([
      'group made',
      'service-account made',
      'folder made',
      'invitation made',
      'participant made',
      'membership made',
      'participant made',
      'membership made',
    ]);
    const made = await everything();
    const findings = await world.doctor({ participants: ['site_a', 'site_b'] });
    expect(findings.filter(({ status }) => status !== 'ok').map(({ step }) => step)).toEqual(['api-calls']);
    const again = await world.setup(['site_a', 'site_b']);
    expect(new Set(again.map(({ state }) => state))).toEqual(new Set(['exists']));
    expect(await everything()).toEqual(made);
  });

  it('does with App access what App access allows, and that is enough for participants of the app', async () => {
    await world.app({ access: 'app' });
    await world.setup(['site_a']);
    const findings = await world.doctor({ participants: ['site_a'] });
    expect(findings.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(findings.find(({ step }) => step === 'access-level')?.text).toContain('App access only');
  });

  it('gives the group no more than was asked for, and leaves it at that', async () => {
    const role = 'viewer uploader';
    await world.setup(['site_a'], { role });
    const findings = await world.doctor({ participants: ['site_a'] });
    expect(findings.filter(({ status }) => status === 'failed')).toEqual([]);
    const made = await everything();
    expect(JSON.stringify(made)).toContain('"role":"viewer uploader"');
    const again = await world.setup(['site_a']);
    expect(new Set(again.map(({ state }) => state))).toEqual(new Set(['exists']));
    expect(await everything()).toEqual(made);
  });

  it('goes on where it was cut off, whatever it had made', async () => {
    for (const path of ['/2.0/group_memberships', '/2.0/folders', '/2.0/collaborations', '/2.0/users']) {
      await world.control('DELETE', '/faults');
      await world.fault({ method: 'POST', path }, { kind: 'drop_before' });
      await expect(world.setup(['site_a'])).rejects.toMatchObject({ code: 'network' });
    }
    await world.control('DELETE', '/faults');
    await world.setup(['site_a']);
    const again = await world.setup(['site_a']);
    expect(new Set(again.map(({ state }) => state))).toEqual(new Set(['exists']));
    expect((await world.items()).filter(({ name }) => name === FOLDER)).toHaveLength(1);
  });

  it('makes nothing twice when answers are lost', async () => {
    for (const path of [
      '/2.0/groups',
      '/2.0/group_memberships',
      '/2.0/folders',
      '/2.0/collaborations',
      '/2.0/users',
    ])
      await world.control('POST', '/faults', {
        match: { method: 'POST', path },
        action: { kind: 'drop_after' },
        times: 1,
      });
    await world.setup(['site_a']);
    const { users, groups } = (await everything()) as { users: { name: string }[]; groups: unknown[] };
    expect(users.filter(({ name }) => name === 'site_a')).toHaveLength(1);
    expect(groups).toHaveLength(1);
    expect((await world.items()).map(({ name }) => name)).toEqual([FOLDER]);
  });
});

describe('setup where something is there already', () => {
  it('uses what an administrator has made by the guide', async () => {
    await world.followGuide(['site_a']);
    expect(new Set((await world.setup(['site_a'])).map(({ state }) => state))).toEqual(new Set(['exists']));
  });

  it('raises no role', async () => {
    await world.followGuide([]);
    const { entries } = await world.api('GET', `/2.0/folders/${world.ids.folder}/collaborations`);
    const id = (entries as { id: string }[])[0]?.id;
    await world.api('PUT', `/2.0/collaborations/${id}`, { role: 'viewer' });
    const actions = await world.setup([]);
    expect(actions.find(({ part }) => part === 'invitation')).toMatchObject({
      state: 'by-hand',
      text: expect.stringContaining('"viewer"'),
    });
    expect((await world.api('GET', `/2.0/collaborations/${id}`))['role']).toBe('viewer');
  });

  it('shares no folder that holds something', async () => {
    const service = world.emulator.serviceAccountId;
    const folder = await world.createFolder(FOLDER, service);
    await world.api('POST', '/2.0/folders', { name: 'secret', parent: { id: folder } }, service);
    const actions = await world.setup([]);
    expect(actions.find(({ part }) => part === 'invitation')).toMatchObject({
      state: 'by-hand',
      text: expect.stringContaining('holds something already'),
    });
    expect(
      (await world.api('GET', `/2.0/folders/${folder}/collaborations`, undefined, service))['entries'],
    ).toEqual([]);
  });

  it('shares no folder of somebody else', async () => {
    const folder = await world.createFolder(FOLDER);
    await world.api('POST', '/2.0/collaborations', {
      item: { type: 'folder', id: folder },
      accessible_by: { type: 'user', id: world.emulator.serviceAccountId },
      role: 'editor',
    });
    const actions = await world.setup([]);
    expect(actions.find(({ part }) => part === 'invitation')).toMatchObject({
      state: 'by-hand',
      text: expect.stringContaining('belongs to "Administrator"'),
    });
  });

  it('puts no person into a group', async () => {
    await world.api('POST', '/2.0/users', { name: 'site_a', login: 'site-a@emulator.example' });
    const actions = await world.setup(['site_a']);
    expect(actions.at(-1)).toMatchObject({
      part: 'membership',
      state: 'by-hand',
      how: expect.stringContaining('site-a@emulator.example'),
    });
    const members = (await everything()) as { memberships: { entries: { user: { name: string } }[] }[] };
    expect(members.memberships[0]?.entries.map(({ user }) => user.name)).toEqual(['mila-sync app']);
  });

  it('leaves to a person what Box refuses, with Box’s answer, and does the rest', async () => {
    await world.api('POST', '/2.0/groups', { name: GROUP });
    await world.app({ access: 'app' });
    const actions = await world.setup(['site_a']);
    expect(states(actions)).toEqual([
      'group by-hand',
      'service-account by-hand',
      'folder made',
      'invitation by-hand',
      'participant made',
      'membership by-hand',
    ]);
    expect(actions[0]).toMatchObject({
      answer: { status: 409 },
      how: expect.stringContaining('App + Enterprise'),
    });
  });
});

describe('setup where two folders have the name', () => {
  const folderOf = (actions: readonly SetupAction[]) =>
    actions.filter(({ part }) => part === 'folder' || part === 'invitation');

  it('leaves it to a person to say which is meant, and shares neither', async () => {
    await world.followGuide([]);
    const own = await world.createFolder(FOLDER, world.emulator.serviceAccountId);
    const told = folderOf(await world.setup([]));
    expect(told).toMatchObject([
      {
        part: 'folder',
        state: 'by-hand',
        text: expect.stringMatching(
          /2 have this name \(\d+, owned by "Administrator"; \d+, owned by "mila-sync app"\)/,
        ),
        how: expect.stringContaining('Rename all but one'),
      },
    ]);
    await world.api('PUT', `/2.0/folders/${own}`, { name: 'another' }, world.emulator.serviceAccountId);
    expect(states(folderOf(await world.setup([])))).toEqual(['folder exists', 'invitation exists']);
  });

  it('is not troubled by one that is written in another case', async () => {
    await world.followGuide([]);
    await world.createFolder(FOLDER.toUpperCase(), world.emulator.serviceAccountId);
    expect(states(folderOf(await world.setup([])))).toEqual(['folder exists', 'invitation exists']);
    const findings = await world.doctor();
    expect(findings.find(({ step }) => step === 'shared-folder')?.status).toBe('ok');
  });

  it('sees two to which the group is invited', async () => {
    await world.followGuide([]);
    const above = await world.createFolder('somewhere else');
    const made = await world.control('POST', '/folders', { parent_id: above, name: FOLDER });
    await world.invite(String(made['id']));
    expect(states(folderOf(await world.setup([])))).toEqual(['folder by-hand']);
  });
});
