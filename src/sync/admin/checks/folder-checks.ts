import { FullError } from '../../../errors.ts';
import { remoteId } from '../../../ids.ts';
import type { RemoteEntry } from '../../tree/entry.ts';
import { foldName, remoteNameProblem } from '../../tree/name-rules.ts';
import type { Desk, FolderFacts } from '../enterprise.ts';
import type { Outcome, StepId } from '../finding.ts';
import { LINKS } from '../links.ts';
import { type Check, dateText, enterpriseOf, failedBy, type Look } from '../look.ts';
import { namesakes } from '../namesakes.ts';
import { inProbeFolder, PROBE_FILE } from '../probe-folder.ts';
import { STEPS } from '../steps.ts';

const ROOT = remoteId('0');

/** Whether the account that will work in the folder is there and in the group, so that it can look for itself. */
function canLook({ facts, wanted }: Look): boolean {
  if (wanted.side !== 'client') return true;
  const own = facts.participants?.[0];
  return own !== undefined && (own.inGroup || facts.group === undefined);
}

async function sharedFolder(look: Look): Promise<Outcome> {
  const { facts, wanted } = look;
  const name = wanted.sharedFolder;
  const problem = remoteNameProblem(name);
  if (problem !== undefined) {
    const means = `shared_dir_name is "${name}", which no folder in Box can be called: it is one folder's name, without "/".`;
    return { status: 'failed', means, mend: [] };
  }
  await learnInvitation(look);
  if (!canLook(look)) return toldByInvitation(look);
  // A client that may not act for its account at all has failed before.
  if (facts.worker === undefined) return { status: 'skipped', because: 'as-user' };
  const folders = namesakes(name, (await facts.worker.entries(ROOT)) ?? []);
  const [first, second] = folders;
  if (first === undefined) return folderMissing(look);
  if (second !== undefined) return folderAmbiguous(name, facts.worker, folders);
  const folder = await facts.worker.folder(first.id);
  if (folder === undefined) return folderMissing(look);
  facts.folder = folder;
  const owner = folder.owner === null ? '' : `, owned by "${folder.owner.name}"`;
  return { status: 'ok', found: `"${first.name}"${owner}` };
}

/** Nothing but their owners tells folders of one name apart. */
async function folderAmbiguous(
  name: string,
  worker: Desk,
  folders: readonly RemoteEntry[],
): Promise<Outcome> {
  const told: string[] = [];
  for (const { id } of folders) {
    const owner = (await worker.folder(id))?.owner;
    told.push(`${id}, owned by ${owner ? `"${owner.name}"` : 'somebody whom Box does not name'}`);
  }
  return {
    status: 'failed',
    means: `${folders.length} folders named "${name}" are visible to this account (${told.join('; ')}), and no mount starts before it is clear which one is meant.`,
    mend: [
      {
        who: ['folder-owner', 'administrator'],
        what: 'Rename all but one of them in Box, or take the invitation to the others back.',
        link: LINKS.collaborations,
      },
    ],
  };
}

/** Where the group is invited, as far as the app may ask. */
async function learnInvitation(look: Look): Promise<void> {
  const { facts, wanted } = look;
  if (facts.group === undefined) return;
  facts.invitations = await enterpriseOf(look).invitationsOf(facts.group.id);
  const invitation = facts.invitations.find(({ folder }) => folder?.name === wanted.sharedFolder);
  if (invitation !== undefined) facts.invitation = invitation;
}

function toldByInvitation(look: Look): Outcome {
  if (look.facts.invitation === undefined) return folderMissing(look);
  return {
    status: 'ok',
    found: 'The group is invited to it; this account will see it as soon as it is in the group.',
  };
}

function folderMissing({ facts, wanted }: Look): Outcome {
  const name = wanted.sharedFolder;
  const who = facts.group === undefined ? 'this account' : `the group "${facts.group.name}"`;
  const others = (facts.invitations ?? []).flatMap(({ folder }) => folder?.name ?? []).slice(0, 5);
  const hint =
    others.length === 0
      ? ''
      : ` It is invited to ${others.map((other) => `"${other}"`).join(', ')}: is shared_dir_name right?`;
  const { accepted = true, endsAtMs = null } = facts.invitation ?? {};
  let means = `No folder named "${name}" is shared with ${who}.${hint}`;
  if (!accepted) means = `The group is invited to "${name}", but the invitation was not accepted yet.`;
  else if (endsAtMs !== null) means = `The group's invitation to "${name}" ended on ${dateText(endsAtMs)}.`;
  return { status: 'failed', means };
}

async function folderOwner({ facts }: Look): Promise<Outcome> {
  const owner = facts.folder?.owner?.name ?? 'somebody whom Box does not name';
  if (facts.folder?.ownedElsewhere !== true) return { status: 'ok', found: `"${owner}"` };
  return {
    status: 'failed',
    blocks: false,
    means:
      `"${owner}" belongs to another enterprise, whose rules then hold for the folder: it can be taken away, ` +
      'closed or emptied from outside, and its storage limit counts.',
  };
}

/** Follow save_path as far as it exists. */
async function walk(desk: Desk, from: FolderFacts, path: readonly string[]): Promise<Outcome | number> {
  let folderId = from.id;
  for (const [depth, name] of path.entries()) {
    if (remoteNameProblem(name) !== undefined) {
      return { status: 'failed', means: `"${name}" in save_path is no name that Box allows for a folder.` };
    }
    const entry = ((await desk.entries(folderId)) ?? []).find(
      (each) => foldName(each.name) === foldName(name),
    );
    if (entry === undefined) return depth;
    if (entry.kind === 'file') {
      const means = `"${path.slice(0, depth + 1).join('/')}" in the shared folder is a file, so no folder of that name can be made.`;
      return { status: 'failed', means };
    }
    folderId = entry.id;
  }
  return path.length;
}

const savePath: Check = async (look) => {
  const { facts, wanted, clock, random } = look;
  const { folder, worker } = facts;
  if (folder === undefined || worker === undefined) {
    return { status: 'cannot-tell', why: 'This shows once the account is in the group.' };
  }
  const depth = await walk(worker, folder, wanted.savePath);
  if (typeof depth !== 'number') return depth;
  const path = wanted.savePath.join('/');
  const there = depth === wanted.savePath.length;
  const state = there ? `"${path}" is there` : `"${path}" will be made when the server's mount starts`;
  if (!wanted.mayWrite) return { status: 'cannot-tell', why: `${state}. Only writing tells more.` };
  // Who may not delete would leave the trial behind.
  if (facts.mayRemove !== true) {
    return { status: 'cannot-tell', why: `${state}. This account could not remove a trial file again.` };
  }
  try {
    await inProbeFolder({ desk: worker, parentId: folder.id, clock, random }, (probe) =>
      worker.writeFile(probe.id, PROBE_FILE, 'mila-sync doctor wrote this, and removes it.\n'),
    );
  } catch (error) {
    const outcome = failedBy(error, look);
    return error instanceof FullError && outcome.status === 'failed'
      ? { ...outcome, means: "The folder owner's storage is full.", mend: STEPS.storage.mend }
      : outcome;
  }
  return { status: 'ok', found: `${state}; a trial file could be written and removed.` };
};

/** The shared folder, and what may be done in it. */
export const FOLDER_CHECKS = {
  'shared-folder': sharedFolder,
  'folder-owner': folderOwner,
  'save-path': savePath,
} as const satisfies Partial<Record<StepId, Check>>;
