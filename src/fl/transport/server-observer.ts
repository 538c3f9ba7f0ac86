import type { Answer } from '../round/protocol-texts.ts';
import { CONTROL_FILE_MAX_BYTES, parseAnswer } from '../round/protocol-texts.ts';
import type { Layout } from '../round/run-folder.ts';
import {
  AUTHENTICATION,
  DEPARTED_SUFFIX,
  ENDED_FILE,
  FAILED_SUFFIX,
  HEARTBEAT_SUFFIX,
  LAYOUTS,
  LOST_SUFFIX,
  META_SUFFIX,
  runPaths,
  stemOf,
  UPDATE_SUFFIX,
} from '../round/run-folder.ts';
import type {
  ObservedAuthentication,
  ObservedRound,
  ObservedUpdate,
  ServerObservation,
} from '../round/server-observation.ts';
import type { RunOwner } from '../round/server-ownership.ts';
import { foreignVersion, foreignWriter } from '../round/server-ownership.ts';
import { ForeignServerFiles } from './foreign-server-files.ts';
import { OPENING_FILES } from './opened-rounds.ts';
import type { Workdir, WorkdirEntry } from './workdir.ts';

/** How many closed rounds one look takes in: a run of a thousand rounds must not cost a thousand listings. */
const CLOSED_ROUNDS_PER_LOOK = 2;

/** What one look depends on. */
export interface ServerLook {
  /** The round that the present phase is about; null outside rounds. */
  readonly round: number | null;
  /** Closed rounds for which a checkpoint may still come. */
  readonly unsettled: readonly number[];
}

/** Looks at a run folder for the server. */
export interface ServerObserver {
  /** One look. Guarantees: every unsettled round has its turn, a few of them a look. */
  observe(look: ServerLook): Promise<ServerObservation>;
}

/** A checkpoint together with its side file: either one's new version makes it something new. */
function observedUpdates(entries: readonly WorkdirEntry[]): readonly ObservedUpdate[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return entries.flatMap((entry) => {
    const key = entry.kind === 'file' ? stemOf(entry.name, UPDATE_SUFFIX) : undefined;
    if (key === undefined) return [];
    const meta = byName.get(`${key}${META_SUFFIX}`);
    return [
      {
        key,
        version: `${entry.version}+${meta?.version ?? ''}`,
        present: entry.present && (meta?.present ?? true),
        sizeBytes: entry.sizeBytes,
        modifiedBy: entry.modifiedBy,
      },
    ];
  });
}

/** Whether a round's folder holds the file that clients wait for, of the server's own. */
export function isRoundOpened(entries: readonly WorkdirEntry[], owner: RunOwner | null = null): boolean {
  return entries.some((entry) => OPENING_FILES.includes(entry.name) && foreignVersion(owner, entry) === null);
}

/**
 * Observe `run` in `workdir`.
 *
 * Guarantees: an authentication file is read again only when its version changed.
 */
export function createServerObserver(workdir: Workdir, run: string): ServerObserver {
  const answers = new Map<string, { readonly version: string; readonly answer: Answer }>();

  const servers = new ForeignServerFiles(workdir, run);

  const answerOf = async (
    path: string,
    entry: WorkdirEntry,
    owner: RunOwner | null,
  ): Promise<Answer | undefined> => {
    // Even an empty claim is answered only once it is here: an answer written while the mount still brings the claim
    // would be a second file of the same name, and the claim, being first, would win.
    if (!entry.present) return undefined;
    if (entry.sizeBytes === 0) return 'none';
    // An answer that the server did not give is none: the claim under it is answered anew.
    if (foreignVersion(owner, entry) !== null) return 'none';
    const known = answers.get(path);
    if (known?.version === entry.version) return known.answer;
    if (entry.sizeBytes > CONTROL_FILE_MAX_BYTES) return 'other';
    const content = await workdir.read(path, CONTROL_FILE_MAX_BYTES);
    if (content === undefined) return undefined;
    const answer = parseAnswer(content.toString('utf8'));
    answers.set(path, { version: entry.version, answer });
    return answer;
  };

  const authenticationsOf = async (
    layout: Layout,
    owner: RunOwner | null,
  ): Promise<readonly ObservedAuthentication[]> => {
    const found: ObservedAuthentication[] = [];
    for (const entry of await workdir.list(runPaths.authentications(run, layout))) {
      const name = entry.kind === 'file' ? stemOf(entry.name, AUTHENTICATION[layout].suffix) : undefined;
      if (name === undefined) continue;
      const path = runPaths.authentication(run, layout, name);
      const answer = await answerOf(path, entry, owner);
      if (answer === 'none' && entry.sizeBytes > 0) servers.note(path, entry, { kind: 'answer' }, owner);
      found.push({ name, layout, answer, createdBy: entry.createdBy });
    }
    return found;
  };

  const roundOf = async (round: number, owner: RunOwner | null = null): Promise<ObservedRound> => {
    const entries = await workdir.list(runPaths.round(run, round));
    return {
      round,
      opened: isRoundOpened(entries, owner),
      updates: observedUpdates(entries),
      failures: entries.flatMap(({ name, version, modifiedBy }) => {
        const key = stemOf(name, FAILED_SUFFIX);
        return key === undefined ? [] : [{ key, version, modifiedBy }];
      }),
    };
  };

  let turn = 0;
  /** The closed rounds whose turn it is: those after the ones that were looked at last, and then from the first again. */
  const whoseTurn = (unsettled: readonly number[]): readonly number[] => {
    const count = Math.min(CLOSED_ROUNDS_PER_LOOK, unsettled.length);
    const chosen = Array.from(
      { length: count },
      (_, step) => unsettled[(turn + step) % unsettled.length] ?? 0,
    );
    turn += count;
    return chosen;
  };

  return {
    async observe({ round, unsettled }) {
      const top = await workdir.list(run);
      const owner = await servers.owner(top);
      const isOwn = (entry: WorkdirEntry) => foreignVersion(owner, entry) === null;
      const authentications: ObservedAuthentication[] = [];
      for (const layout of LAYOUTS) authentications.push(...(await authenticationsOf(layout, owner)));
      const heartbeats = (await workdir.list(runPaths.heartbeats(run))).flatMap((entry) => {
        const name = stemOf(entry.name, HEARTBEAT_SUFFIX);
        return name === undefined ? [] : [{ name, version: entry.version, modifiedBy: entry.modifiedBy }];
      });
      return {
        connected: workdir.connected(),
        authentications,
        heartbeats,
        lostMarks: top.filter(isOwn).flatMap(({ name }) => stemOf(name, LOST_SUFFIX) ?? []),
        departures: top.flatMap((entry) => {
          const name = stemOf(entry.name, DEPARTED_SUFFIX);
          return name === undefined ? [] : [{ name, modifiedBy: entry.modifiedBy }];
        }),
        // Nobody's word is enough to end a run but the server's: here its creator counts too.
        ended: top.some((entry) => entry.name === ENDED_FILE && foreignWriter(owner, entry) === null),
        round: round === null ? null : await roundOf(round, owner),
        closed: await Promise.all(whoseTurn(unsettled).map((each) => roundOf(each))),
        foreign: await servers.find(top, round, owner),
      };
    },
  };
}
