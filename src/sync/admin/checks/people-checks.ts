import { nearestNames } from '../../../nearest-name.ts';
import type { Account, Group } from '../enterprise.ts';
import type { Outcome, StepId } from '../finding.ts';
import { type Check, enterpriseOf, failedBy, isForbidden, type Look, type Participant } from '../look.ts';

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

async function group({ facts, wanted }: Look): Promise<Outcome> {
  const { groupName } = wanted;
  if (groupName === undefined) {
    return {
      status: 'cannot-tell',
      why: 'The configuration names no group (group_name), so every account has to be invited to the folder by hand.',
    };
  }
  const groups = facts.groups ?? [];
  const exact = groups.find(({ name }) => name === groupName);
  if (exact !== undefined) {
    facts.group = exact;
    return { status: 'ok', found: `"${groupName}"` };
  }
  const names = groups.map(({ name }) => name);
  const near = nearestNames(groupName, names);
  const alike = near.length > 0 ? near : names.slice(0, 5);
  return {
    status: 'failed',
    means:
      `The enterprise has no group named exactly "${groupName}"` +
      (alike.length === 0
        ? '.'
        : `, but ${quoted(alike)}. ${near.length > 0 ? 'Is that one meant? ' : ''}Correct group_name, or rename the group.`),
  };
}

async function serviceAccount(look: Look): Promise<Outcome> {
  const { facts } = look;
  if (facts.group === undefined || facts.service === undefined) {
    return { status: 'cannot-tell', why: 'There is no group to look into.' };
  }
  const { id, name, login } = facts.service;
  facts.members = await enterpriseOf(look).members(facts.group.id);
  if (facts.members.some((member) => member.id === id))
    return { status: 'ok', found: `"${name}" is a member.` };
  return {
    status: 'failed',
    means: `"${name}" (${login}), as which the server works, is not in the group "${facts.group.name}", so it does not see the folder.`,
  };
}

/** Of several users of one name, the one whose account a client takes: an app user, and the oldest. */
function accountNamed(users: readonly Account[], name: string): Account | undefined {
  const rank = ({ kind }: Account) => (kind === 'app-user' ? 0 : 1);
  return users
    .filter((user) => user.name === name)
    .sort((a, b) => rank(a) - rank(b) || Number(BigInt(a.id) - BigInt(b.id)))[0];
}

/** The accounts of the participants as far as they exist, and what is odd about them. */
async function lookUp(look: Look, memberIds: ReadonlySet<string>) {
  const found: Participant[] = [];
  const missing: string[] = [];
  const warnings: string[] = [];
  for (const name of look.wanted.participants) {
    const users = (await enterpriseOf(look).users(name)).filter((user) => user.name === name);
    const account = accountNamed(users, name);
    if (account === undefined) {
      missing.push(name);
      continue;
    }
    found.push({ account, inGroup: memberIds.has(account.id) });
    if (users.length > 1)
      warnings.push(`${users.length} users are named "${name}"; account ${account.id} is taken.`);
    if (account.kind === 'person') {
      warnings.push(
        `"${name}" is a person's account (${account.login}): the client works in that person's name.`,
      );
    }
  }
  return { found, missing, warnings };
}

async function participants(look: Look): Promise<Outcome> {
  const { facts, wanted } = look;
  if (wanted.side === 'own-app-client') return ownAppIsMember(look);
  const members = facts.members ?? (facts.group && (await enterpriseOf(look).members(facts.group.id))) ?? [];
  if (wanted.participants.length === 0) {
    const apps = members.filter(({ kind }) => kind === 'app-user');
    facts.participants = apps.map((account) => ({ account, inGroup: true }));
    return apps.length === 0
      ? {
          status: 'cannot-tell',
          why: "No participant has an account yet, and the server's file does not name them. Name them with --participant NAME.",
        }
      : {
          status: 'ok',
          found: `${apps.length} in the group: ${quoted(apps.map(({ name }) => name).slice(0, 20))}`,
        };
  }
  const { found, missing, warnings } = await lookUp(look, new Set(members.map(({ id }) => id)));
  facts.participants = found;
  const outside = found.filter(({ inGroup }) => facts.group !== undefined && !inGroup);
  if (missing.length === 0 && outside.length === 0) {
    return { status: 'ok', found: quoted(found.map(({ account }) => account.name)), warnings };
  }
  const parts = [
    missing.length > 0 ? `There is no account yet for ${quoted(missing)}.` : '',
    outside.length > 0
      ? `${quoted(outside.map(({ account }) => account.name))} is not yet in the group "${facts.group?.name}".`
      : '',
  ];
  return { status: 'failed', blocks: false, means: parts.filter((part) => part !== '').join(' ') };
}

/** A client whose app is its own works as that app's account, which an administrator has to put into the group. */
async function ownAppIsMember(look: Look): Promise<Outcome> {
  const { facts, wanted } = look;
  const { id = '', name = '' } = facts.service ?? {};
  const expected = wanted.participants[0] ?? '';
  const warnings =
    name === expected
      ? []
      : [
          `The app's account is named "${name}", not "${expected}": who reads the folder in Box sees that name.`,
        ];
  if (wanted.groupName === undefined)
    return { status: 'ok', found: `"${name}", the app's own account`, warnings };
  let groups: readonly Group[];
  try {
    groups = await enterpriseOf(look).groupsOf(id);
  } catch (error) {
    if (!isForbidden(error, look)) return failedBy(error, look);
    return { status: 'cannot-tell', why: `Box does not tell this app which groups "${name}" is in.` };
  }
  if (groups.some((each) => each.name === wanted.groupName)) {
    return { status: 'ok', found: `"${name}", the app's own account, is in the group.`, warnings };
  }
  const what = `Admin Console > Users & Groups > Groups > "${wanted.groupName}" > Members: add "${name}".`;
  return {
    status: 'failed',
    means: `"${name}", the app's own account, is not in the group "${wanted.groupName}".`,
    mend: [{ who: ['administrator', 'co-administrator'], what, link: null }],
  };
}

/** The group, and who is in it. */
export const PEOPLE_CHECKS = {
  group,
  'service-account': serviceAccount,
  participants,
} as const satisfies Partial<Record<StepId, Check>>;
