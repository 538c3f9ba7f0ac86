import { remoteId } from '../../../ids.ts';
import type { Outcome, StepId } from '../finding.ts';
import { type Check, enterpriseOf, failedBy, isForbidden, type Look } from '../look.ts';
import { inProbeFolder } from '../probe-folder.ts';

/** The top of every account. */
const ROOT = remoteId('0');

/** What Box refuses in the app's own, empty account, it refuses to the app and not to the account's role somewhere. */
async function scoped(look: Look, scope: string, attempt: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await attempt();
  } catch (error) {
    if (!isForbidden(error, look)) return failedBy(error, look);
    return {
      status: 'failed',
      answer: enterpriseOf(look).answerBehind(error),
      means: `The app is not allowed to ${scope}: it is not ticked, or was ticked after an administrator last authorised the app.`,
    };
  }
}

const readScope: Check = (look) =>
  scoped(look, 'read files and folders', async () => {
    const entries = await enterpriseOf(look).service.entries(ROOT);
    return entries === undefined
      ? { status: 'failed', means: 'Box hides from the app even what the app owns.' }
      : { status: 'ok', found: 'It lists what it owns.' };
  });

const writeScope: Check = async (look) => {
  if (!look.wanted.mayWrite)
    return { status: 'cannot-tell', why: 'Only writing tells, which was not wanted.' };
  const { clock, random } = look;
  return scoped(look, 'write files and folders', async () => {
    const desk = enterpriseOf(look).service;
    await inProbeFolder({ desk, parentId: ROOT, clock, random }, async () => undefined);
    return { status: 'ok', found: 'It made a folder in its own account, and removed it.' };
  });
};

const usersScope: Check = (look) =>
  scoped(look, 'manage users', async () => {
    look.facts.seesPeople = await enterpriseOf(look).seesPeople();
    return { status: 'ok', found: 'It lists the users that it sees.' };
  });

const groupsScope: Check = (look) =>
  scoped(look, 'manage groups', async () => {
    look.facts.groups = await enterpriseOf(look).groups(look.wanted.groupName ?? '');
    return { status: 'ok', found: 'It lists the groups that it sees.' };
  });

/** With App Access alone, groups and users that were not made by the app do not exist for it. */
async function accessLevel({ facts, wanted }: Look): Promise<Outcome> {
  if (facts.seesPeople === true) return { status: 'ok', found: 'App + Enterprise access.' };
  const group = wanted.groupName;
  if (group === undefined || facts.groups?.some(({ name }) => name === group)) {
    return {
      status: 'ok',
      found: 'App access only: it sees the accounts and groups that it made itself, which suffices here.',
    };
  }
  return {
    status: 'failed',
    means:
      `The app sees only users and groups that it made itself, and "${group}" is not among them. If an administrator ` +
      'made the group, or people take part with their own Box accounts, the app needs App + Enterprise access. If ' +
      'not, "mila-sync setup" makes a group of the app\'s own, and App access is enough.',
  };
}

/** What the app as a whole may do. */
export const SCOPE_CHECKS = {
  'read-scope': readScope,
  'write-scope': writeScope,
  'users-scope': usersScope,
  'groups-scope': groupsScope,
  'access-level': accessLevel,
} as const satisfies Partial<Record<StepId, Check>>;
