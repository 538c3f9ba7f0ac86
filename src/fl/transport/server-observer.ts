import type { Answer } from '../round/protocol-texts.ts';
import { CONTROL_FILE_MAX_BYTES, parseAnswer } from '../round/protocol-texts.ts';
import type { Layout } from '../round/run-folder.ts';
import {
  AGGREGATE_FILE,
  AUTHENTICATION,
  DEPARTED_SUFFIX,
  ENDED_FILE,
  FAILED_SUFFIX,
  HEARTBEAT_SUFFIX,
  LAYOUTS,
  LOST_SUFFIX,
  META_SUFFIX,
  NO_START_MODEL_FILE,
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

/** Whether a round's folder holds the file that clients wait for. */
export function isRoundOpened(entries: readonly WorkdirEntry[]): boolean {
  return entries.some(({ name }) => name === AGGREGATE_FILE || name === NO_START_MODEL_FILE);
}

/**
 * Observe `run` in `workdir`.
 *
 * Guarantees: an authentication file is read again only when its version changed.
 */
export function createServerObserver(workdir: Workdir, run: string): ServerObserver {
  const answers = new Map<string, { readonly version: string; readonly answer: Answer }>();

  const answerOf = async (path: string, entry: WorkdirEntry): Promise<Answer | undefined> => {
    // Even an empty claim is answered only once it is here: an answer written while the mount still brings the claim
    // would be a second file of the same name, and the claim, being first, would win.
    if (!entry.present) return undefined;
    if (entry.sizeBytes === 0) return 'none';
    const known = answers.get(path);
    if (known?.version === entry.version) return known.answer;
    if (entry.sizeBytes > CONTROL_FILE_MAX_BYTES) return 'other';
    const content = await workdir.read(path, CONTROL_FILE_MAX_BYTES);
    if (content === undefined) return undefined;
    const answer = parseAnswer(content.toString('utf8'));
    answers.set(path, { version: entry.version, answer });
    return answer;
  };

  const authenticationsOf = async (layout: Layout): Promise<readonly ObservedAuthentication[]> => {
    const found: ObservedAuthentication[] = [];
    for (const entry of await workdir.list(runPaths.authentications(run, layout))) {
      const name = entry.kind === 'file' ? stemOf(entry.name, AUTHENTICATION[layout].suffix) : undefined;
      if (name === undefined) continue;
      const answer = await answerOf(runPaths.authentication(run, layout, name), entry);
      found.push({ name, layout, answer, createdBy: entry.createdBy });
    }
    return found;
  };

  const roundOf = async (round: number): Promise<ObservedRound> => {
    const entries = await workdir.list(runPaths.round(run, round));
    return {
      round,
      opened: isRoundOpened(entries),
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
      const authentications: ObservedAuthentication[] = [];
      for (const layout of LAYOUTS) authentications.push(...(await authenticationsOf(layout)));
      const heartbeats = (await workdir.list(runPaths.heartbeats(run))).flatMap((entry) => {
        const name = stemOf(entry.name, HEARTBEAT_SUFFIX);
        return name === undefined ? [] : [{ name, version: entry.version, modifiedBy: entry.modifiedBy }];
      });
      return {
        connected: workdir.connected(),
        authentications,
        heartbeats,
        lostMarks: top.flatMap(({ name }) => stemOf(name, LOST_SUFFIX) ?? []),
        departures: top.flatMap((entry) => {
          const name = stemOf(entry.name, DEPARTED_SUFFIX);
          return name === undefined ? [] : [{ name, modifiedBy: entry.modifiedBy }];
        }),
        ended: top.some(({ name }) => name === ENDED_FILE),
        round: round === null ? null : await roundOf(round),
        closed: await Promise.all(whoseTurn(unsettled).map(roundOf)),
      };
    },
  };
}
