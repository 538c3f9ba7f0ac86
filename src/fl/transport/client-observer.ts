import type { ClientObservation, ObservedClientRound } from '../round/client-state.ts';
import { CONTROL_FILE_MAX_BYTES, parseAnswer } from '../round/protocol-texts.ts';
import type { Layout } from '../round/run-folder.ts';
import {
  AGGREGATE_FILE,
  AUTHENTICATION,
  ENDED_FILE,
  isRunFolderName,
  LAYOUTS,
  LOST_SUFFIX,
  NO_START_MODEL_FILE,
  newestRun,
  participantKey,
  REFUSED_SUFFIX,
  roundNumberOf,
  runPaths,
  TASK_FILE,
  UPDATE_SUFFIX,
} from '../round/run-folder.ts';
import type { ClientLook } from './client-transport.ts';
import { isRoundOpened } from './server-observer.ts';
import { readRefusal, SIDE_FILE_MAX_BYTES } from './side-file.ts';
import type { Identity, Workdir, WorkdirEntry } from './workdir.ts';

/** A run as a client that looks for one sees it. */
export interface VisibleRun {
  readonly name: string;
  readonly ended: boolean;
}

/** The newest run that a server has finished setting up; undefined when there is none yet. */
export async function findNewestRun(workdir: Workdir): Promise<VisibleRun | undefined> {
  const folders = (await workdir.list('')).filter(
    ({ kind, name }) => kind === 'folder' && isRunFolderName(name),
  );
  let candidates = folders.map(({ name }) => name);
  // A newest folder without its task is a server that is just starting; whoever starts later comes first.
  while (candidates.length > 0) {
    const newest = newestRun(candidates);
    if (newest === undefined) return undefined;
    const names = (await workdir.list(newest)).map(({ name }) => name);
    if (names.includes(TASK_FILE)) return { name: newest, ended: names.includes(ENDED_FILE) };
    candidates = candidates.filter((name) => name !== newest);
  }
  return undefined;
}

async function textOf(workdir: Workdir, path: string): Promise<string | undefined> {
  const bytes = await workdir.read(path, CONTROL_FILE_MAX_BYTES);
  return bytes?.toString('utf8');
}

type Claim = ClientObservation['claim'];

/** The own claim: read where it should stand, and looked for by name only when it cannot be read. */
async function claimOf(
  workdir: Workdir,
  run: string,
  name: string,
  layouts: readonly Layout[],
): Promise<Claim> {
  for (const layout of layouts) {
    const text = await textOf(workdir, runPaths.authentication(run, layout, name));
    if (text !== undefined) return { layout, answer: parseAnswer(text), text: text.trim() };
  }
  for (const layout of layouts) {
    const file = `${name}${AUTHENTICATION[layout].suffix}`;
    const entries = await workdir.list(runPaths.authentications(run, layout));
    // Its bytes are still on their way: claiming again would overwrite the server's answer.
    if (entries.some((entry) => entry.name === file)) return { layout, answer: undefined, text: '' };
  }
  return null;
}

/** Whether the server marked a round's aggregate as the final one; null where it left no word. */
async function isFinal(workdir: Workdir, run: string, round: number): Promise<boolean | null> {
  const bytes = await workdir.read(runPaths.serverMeta(run, round), SIDE_FILE_MAX_BYTES);
  if (bytes === undefined) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && 'final' in value ? value.final === true : null;
  } catch {
    return null;
  }
}

async function roundNumbers(workdir: Workdir, run: string): Promise<readonly number[]> {
  return (await workdir.list(runPaths.rounds(run)))
    .flatMap((entry) => (entry.kind === 'folder' ? (roundNumberOf(entry.name) ?? []) : []))
    .sort((left, right) => right - left);
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
 * participants' files, however many there are.
 */
export function createClientObserver(workdir: Workdir, run: string, name: string): ClientObserver {
  /** The newest round as last seen, when the own update stands there: it changes no more. */
  let delivered: ObservedClientRound | null = null;

  /** This client's own account, by its claim; null where nobody can tell. */
  let ownAccount: Identity | null = null;
  const learnAccount = async (layouts: readonly Layout[]): Promise<void> => {
    for (const layout of layouts) {
      const file = `${name}${AUTHENTICATION[layout].suffix}`;
      const entries = await workdir.list(runPaths.authentications(run, layout));
      ownAccount ??= entries.find((entry) => entry.name === file)?.createdBy ?? null;
    }
  };

  const roundAt = async (round: number, hasEnded: boolean): Promise<ObservedClientRound | null> => {
    // Where accounts are known, somebody else may write over the update at any time: then it is looked at again.
    if (delivered?.round === round && !hasEnded && !workdir.identifies)
      return { ...delivered, refused: await readRefusal(workdir, runPaths.refused(run, round, name)) };
    const entries = await workdir.list(runPaths.round(run, round));
    if (!isRoundOpened(entries)) return null;
    const find = (file: string) => entries.find((entry) => entry.name === file);
    const aggregate = find(AGGREGATE_FILE);
    const key = participantKey(name);
    const isRefused = find(`${key}${REFUSED_SUFFIX}`) !== undefined;
    const update = find(`${key}${UPDATE_SUFFIX}`);
    const observed: ObservedClientRound = {
      round,
      source: aggregate === undefined ? 'nothing' : 'aggregate',
      present: aggregate?.present ?? find(NO_START_MODEL_FILE) !== undefined,
      final: await isFinal(workdir, run, round),
      hasOwnUpdate: update !== undefined,
      overwritten: update === undefined ? null : overwriteOf(update, ownAccount),
      refused: isRefused ? await readRefusal(workdir, runPaths.refused(run, round, name)) : null,
    };
    if (observed.hasOwnUpdate && observed.present) delivered = observed;
    return observed;
  };

  const newestRound = async (hasEnded: boolean): Promise<ObservedClientRound | null> => {
    for (const number of await roundNumbers(workdir, run)) {
      const round = await roundAt(number, hasEnded);
      if (round !== null) return round;
    }
    return null;
  };

  return {
    async observe({ training, admitted }) {
      const top = await workdir.list(run);
      const has = (file: string) => top.some((entry) => entry.name === file);
      const layouts = LAYOUTS.filter((layout) => has(AUTHENTICATION[layout].folder));
      const claim: Claim = admitted
        ? { layout: layouts[0] ?? 'documented', answer: 'authenticated', text: '' }
        : await claimOf(workdir, run, name, layouts);
      const hasEnded = has(ENDED_FILE);
      if (workdir.identifies && ownAccount === null) await learnAccount(layouts);
      const newest = claim?.answer === 'authenticated' ? undefined : await findNewestRun(workdir);
      return {
        layouts,
        claim,
        taskPresent: top.some((entry) => entry.name === TASK_FILE && entry.present),
        ended: hasEnded ? { text: (await textOf(workdir, runPaths.ended(run))) ?? null } : null,
        lost: has(`${name}${LOST_SUFFIX}`),
        round: await newestRound(hasEnded),
        newerRun: newest !== undefined && newestRun([newest.name, run]) !== run ? newest.name : null,
        training,
      };
    },
  };
}
