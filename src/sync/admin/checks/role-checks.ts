import { AuthError, RejectedError } from '../../../errors.ts';
import type { Collaboration, Desk, FolderFacts } from '../enterprise.ts';
import type { Outcome, StepId } from '../finding.ts';
import { type Check, dateText, failedBy, type Look } from '../look.ts';
import { MAY_REMOVE, roleProblem, UNNEEDED_ROLES } from '../roles.ts';

/** Who is invited to the folder; undefined where its owner hides that. */
async function invitationsTo(desk: Desk, folder: FolderFacts): Promise<readonly Collaboration[] | undefined> {
  try {
    return await desk.collaborations(folder.id);
  } catch (error) {
    if (error instanceof RejectedError || error instanceof AuthError) return undefined;
    throw error;
  }
}

/** Whether an invitation is the group's; an app that may not manage groups knows only its name. */
function isGroups({ invited }: Collaboration, { facts, wanted }: Look): boolean {
  if (invited?.kind !== 'group') return false;
  return facts.group === undefined ? invited.name === wanted.groupName : invited.id === facts.group.id;
}

/** All roles of the account that will work in the folder; they add up. */
function rolesOf(look: Look, folder: FolderFacts, invitations: readonly Collaboration[]): readonly string[] {
  const { facts, wanted, clock } = look;
  const ownId = wanted.side === 'client' ? facts.participants?.[0]?.account.id : facts.service?.id;
  const inForce = invitations.filter(
    ({ accepted, endsAtMs }) => accepted && (endsAtMs === null || endsAtMs > clock.now()),
  );
  const own = inForce.filter((each) => each.invited?.id === ownId || isGroups(each, look));
  return [...(folder.owner?.id === ownId ? ['owner'] : []), ...own.map(({ role }) => role)];
}

/** Why the group's invitation does not let participants take part. */
function groupProblem(invitation: Collaboration, look: Look): string | undefined {
  const { role, accepted, endsAtMs } = invitation;
  if (!accepted) return "The group's invitation was not accepted yet.";
  if (endsAtMs !== null && endsAtMs <= look.clock.now())
    return `The group's invitation ended on ${dateText(endsAtMs)}.`;
  const problem = roleProblem(role, 'client');
  return problem === undefined ? undefined : `The group's role is "${role}": ${problem}`;
}

function notesOn({ role, endsAtMs }: Collaboration): readonly string[] {
  return [
    ...(UNNEEDED_ROLES.has(role) ? [`The group's role is "${role}"; Editor is enough.`] : []),
    ...(endsAtMs === null ? [] : [`The invitation ends on ${dateText(endsAtMs)}.`]),
  ];
}

const folderRole: Check = async (look) => {
  const { facts } = look;
  const { folder, worker } = facts;
  try {
    const all = folder && worker && (await invitationsTo(worker, folder));
    const invitation = all === undefined ? facts.invitation : all.find((each) => isGroups(each, look));
    if (folder !== undefined && all !== undefined) return judged(look, { folder, all, invitation });
    if (folder !== undefined) return byPermissions(look, folder);
    const problem = invitation && groupProblem(invitation, look);
    if (problem !== undefined) return { status: 'failed', means: problem };
    return { status: 'ok', found: `The group is "${invitation?.role ?? 'invited'}".` };
  } catch (error) {
    return failedBy(error, look);
  }
};

function judged(
  look: Look,
  seen: {
    readonly folder: FolderFacts;
    readonly all: readonly Collaboration[];
    readonly invitation: Collaboration | undefined;
  },
): Outcome {
  const { facts, wanted } = look;
  const { folder, all, invitation } = seen;
  const roles = rolesOf(look, folder, all);
  facts.mayRemove = roles.some((role) => MAY_REMOVE.has(role));
  if (invitation === undefined && wanted.side !== 'own-app-client' && facts.group !== undefined) {
    const means = `The group "${facts.group.name}" is not invited to the folder, so the participants do not see it.`;
    return { status: 'failed', means };
  }
  const problem = invitation && groupProblem(invitation, look);
  if (problem !== undefined) return { status: 'failed', means: problem };
  // Through a group that this program was not told of, for one.
  if (roles.length === 0) return byPermissions(look, folder);
  // The roles of one account add up, so one that is strong enough will do.
  const problems = roles.map((role) => roleProblem(role, wanted.side));
  if (problems.every((each) => each !== undefined)) {
    const whose = wanted.side === 'server' ? "The app's own account" : 'The account';
    return { status: 'failed', means: `${whose} is "${roles.join('", "')}": ${problems[0]}` };
  }
  const group = invitation === undefined ? '' : ` The group is ${invitation.role}.`;
  const found = `This account is ${roles.join(' and ')}.${group}`;
  return { status: 'ok', found, warnings: invitation === undefined ? [] : notesOn(invitation) };
}

/** Where nobody may know who else is invited: what Box says that the account may do here. */
function byPermissions({ facts, wanted }: Look, { may }: FolderFacts): Outcome {
  facts.mayRemove = may.remove;
  if (!may.upload) return { status: 'failed', means: 'This account may not write in the folder.' };
  if (wanted.side === 'server' && !(may.remove && may.rename))
    return {
      status: 'failed',
      means: "The app's own account may write in the folder, but not rename and delete.",
    };
  return { status: 'ok', found: 'This account may write in the folder.' };
}

/** Who may do what in the shared folder. */
export const ROLE_CHECKS = { 'folder-role': folderRole } as const satisfies Partial<Record<StepId, Check>>;
