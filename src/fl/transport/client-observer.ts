import type { Clock } from '../../clock.ts';
import { systemClock } from '../../clock.ts';
import type { ClientObservation, ObservedClientRound } from '../round/client-state.ts';
import { CONTROL_FILE_MAX_BYTES, parseAnswer } from '../round/protocol-texts.ts';
import type { Layout } from '../round/run-folder.ts';
import {
  AGGREGATE_FILE,
  AUTHENTICATION,
  ENDED_FILE,
  LAYOUTS,
  LOST_SUFFIX,
  newestRun,
  participantKey,
  REFUSED_SUFFIX,
  runPaths,
  TASK_FILE,
  UPDATE_SUFFIX,
} from '../round/run-folder.ts';
import { mayServe } from '../round/server-ownership.ts';
import type { ClientLook } from './client-transport.ts';
import { OpenedRounds } from './opened-rounds.ts';
import { OwnedFiles } from './owned-files.ts';
import type { RunChoice } from './run-choice.ts';
import { findNewestRun } from './run-choice.ts';
import { ServerWatch } from './server-watch.ts';
import { parseRefusal, parseServerWord, SIDE_FILE_MAX_BYTES } from './side-file.ts';
import type { Identity, Workdir, WorkdirEntry } from './workdir.ts';

type Claim = ClientObservation['claim'];

/** The own claim: read where it should stand, and looked for by name only when it cannot be read. */
async function claimOf(
  workdir: Workdir,
  files: OwnedFiles,
  { run, name, layouts }: { run: string; name: string; layouts: readonly Layout[] },
): Promise<Claim> {
  for (const layout of layouts) {
    const claim = await readClaim(workdir, files, runPaths.authentication(run, layout, name));
    if (claim !== null) return { ...claim, layout };
  }
  // Its bytes are still on their way: claiming again would overwrite the server's answer.
  for (const layout of layouts)
    if ((await workdir.entry(runPaths.authentication(run, layout, name))) !== undefined)
      return { ...UNDERWAY, layout };
  return null;
}

type Answered = Omit<NonNullable<Claim>, 'layout'>;
const UNDERWAY: Answered = { answer: undefined, text: '' };

/** The claim in one file. It is this client's, its answer the server's: an answer by nobody known is none yet. */
async function readClaim(workdir: Workdir, files: OwnedFiles, path: string): Promise<Answered | null> {
  const owner = await files.owner();
  const before = owner === null ? undefined : await workdir.entry(path);
  const text = (await workdir.read(path, CONTROL_FILE_MAX_BYTES))?.toString('utf8');
  if (text === undefined) return null;
  const claim = { answer: parseAnswer(text), text: text.trim() };
  if (owner === null || claim.answer === 'none') return claim;
  const after = await workdir.entry(path);
  const writer = after?.modifiedBy ?? null;
  // As long as the writer's version has not arrived, what was read is somebody else's.
  if (before?.version !== after?.version || after?.present !== true || writer === null) return UNDERWAY;
  if (mayServe(owner, writer)) return claim;
  files.note(path, writer);
  return UNDERWAY;
}

async function refusalOf(files: OwnedFiles, path: string): Promise<ObservedClientRound['refused']> {
  return parseRefusal(await files.read(path, SIDE_FILE_MAX_BYTES));
}

/** Whether the server marked a round's aggregate as the final one; null where it left no word. */
async function isFinal(files: OwnedFiles, run: string, round: number): Promise<boolean | null> {
  return parseServerWord(await files.read(runPaths.serverMeta(run, round), SIDE_FILE_MAX_BYTES)).final;
}

/** Whether an update was last written by another account than its owner's; what nobody can tell is not. */
function overwriteOf(
  { modifiedBy, version }: WorkdirEntry,
  owner: Identity | null,
): ObservedClientRound['overwritten'] {
  if (modifiedBy === null || owner === null || modifiedBy.id === owner.id) return null;
  return { by: modifiedBy.name, version };
}

/** Looks at a run folder for one client. */
export interface ClientObserver {
  observe(look: ClientLook): Promise<ClientObservation>;
}

/**
 * Observe `run` in `workdir` as the client `name`.
 *
 * Guarantees: once admitted, and once the own update stands in its round, a look opens nothing of the other
 * participants' files, however many there are; of the server's names, only what `files` says is the server's counts.
 */
export function createClientObserver(
  workdir: Workdir,
  run: string,
  name: string,
  { files = new OwnedFiles(workdir, run), choice = () => ({}), clock = systemClock() }: ObserverOptions = {},
): ClientObserver {
  /** The newest round as last seen, when the own update stood there: nothing else of it changes. */
  let delivered: ObservedClientRound | null = null;
  const openedRounds = new OpenedRounds(workdir, run, files);
  const sign = new ServerWatch(workdir, { run, files, clock });

  /** This client's own account, by its claim; null where nobody can tell. */
  let ownAccount: Identity | null = null;
  const learnAccount = async (layouts: readonly Layout[]): Promise<void> => {
    for (const layout of layouts)
      ownAccount ??= (await workdir.entry(runPaths.authentication(run, layout, name)))?.createdBy ?? null;
  };

  const roundAt = async (round: number, hasEnded: boolean): Promise<ObservedClientRound | null> => {
    const refused = runPaths.refused(run, round, name);
    // Where accounts are known, somebody else may write over the update at any time: then it is looked at again.
    if (delivered?.round === round && !hasEnded && !workdir.identifies) {
      const hasOwnUpdate = (await workdir.entry(runPaths.update(run, round, name))) !== undefined;
      return { ...delivered, hasOwnUpdate, refused: await refusalOf(files, refused) };
    }
    const entries = await workdir.list(runPaths.round(run, round));
    const opening = await openedRounds.openingAt(round, entries);
    if (opening === undefined) return null;
    const find = (file: string) => entries.find((entry) => entry.name === file);
    const key = participantKey(name);
    const update = find(`${key}${UPDATE_SUFFIX}`);
    const isRefused = find(`${key}${REFUSED_SUFFIX}`) !== undefined;
    const observed: ObservedClientRound = {
      round,
      ...sourceOf(opening),
      final: await isFinal(files, run, round),
      hasOwnUpdate: update !== undefined,
      overwritten: update === undefined ? null : overwriteOf(update, ownAccount),
      refused: isRefused ? await refusalOf(files, refused) : null,
    };
    if (observed.hasOwnUpdate && observed.present) delivered = observed;
    return observed;
  };

  return {
    async observe({ training, admitted }) {
      const top = await workdir.list(run);
      const layouts = LAYOUTS.filter((layout) =>
        top.some((entry) => entry.name === AUTHENTICATION[layout].folder),
      );
      const names = [ENDED_FILE, TASK_FILE, `${name}${LOST_SUFFIX}`];
      const own = await files.own(
        run,
        top.filter((entry) => names.includes(entry.name)),
      );
      const has = (file: string) => own.some((entry) => entry.name === file);
      const claim: Claim = admitted
        ? { layout: layouts[0] ?? 'documented', answer: 'authenticated', text: '' }
        : await claimOf(workdir, files, { run, name, layouts });
      const hasEnded = has(ENDED_FILE);
      if (workdir.identifies && ownAccount === null) await learnAccount(layouts);
      const newest = claim?.answer === 'authenticated' ? undefined : await findNewestRun(workdir, choice());
      const newestRound = await openedRounds.newest();
      return {
        layouts,
        claim,
        taskPresent: own.some((entry) => entry.name === TASK_FILE && entry.present),
        ended: hasEnded ? { text: await endText(files, run) } : null,
        lost: has(`${name}${LOST_SUFFIX}`),
        round: newestRound === null ? null : await roundAt(newestRound, hasEnded),
        newerRun: newest !== undefined && newestRun([newest.name, run]) !== run ? newest.name : null,
        training,
        server: await sign.look(top, newestRound),
        foreign: files.takeForeign(),
      };
    },
  };
}

/** What a round starts from; that there is nothing is known by a file's name alone. */
function sourceOf({ name, present }: WorkdirEntry): Pick<ObservedClientRound, 'source' | 'present'> {
  return name === AGGREGATE_FILE ? { source: 'aggregate', present } : { source: 'nothing', present: true };
}

async function endText(files: OwnedFiles, run: string): Promise<string | null> {
  return (await files.read(runPaths.ended(run), CONTROL_FILE_MAX_BYTES))?.toString('utf8') ?? null;
}

interface ObserverOptions {
  /** The server's files of the run. */
  readonly files?: OwnedFiles;
  /** By what a newer run is chosen. */
  readonly choice?: () => RunChoice;
  /** By which it is told when the server was heard. */
  readonly clock?: Clock;
}
