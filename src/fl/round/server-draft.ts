import type { FederationEvent } from './event.ts';
import type { ServerAction } from './server-action.ts';
import type { ServerObservation, ServerResult } from './server-observation.ts';
import type {
  Account,
  Participant,
  Presence,
  Refusal,
  ServerPhase,
  ServerState,
  UpdateRecord,
} from './server-state.ts';
import { roundOf } from './server-state.ts';
import type { Instant, ServerSettings } from './settings.ts';

/** What one step of the server's machine is told. */
export interface ServerInput {
  readonly observation: ServerObservation;
  readonly results: readonly ServerResult[];
  /** True once a person asked for the run to end. */
  readonly stop: boolean;
  readonly instant: Instant;
  readonly settings: ServerSettings;
}

/** One step's working copy: the parts of the machine write to it, `finishDraft` makes values of it again. */
export interface ServerDraft {
  readonly session: string;
  readonly run: string;
  phase: ServerPhase;
  readonly participants: Map<string, Participant>;
  readonly refusals: Map<string, Refusal>;
  updates: Map<string, UpdateRecord>;
  /** By closed round, then by participant key: the version that had been looked at. */
  readonly unsettled: Map<string, Map<string, string>>;
  readonly reported: Set<string>;
  readonly presence: Map<string, Presence>;
  lastRegistrationAtMs: number;
  roundOpenedAtMs: number | null;
  stuckSinceMs: number | null;
  readonly actions: ServerAction[];
  readonly events: FederationEvent[];
  /** Deadlines that may change something by themselves. Units: monotonic milliseconds. */
  readonly deadlinesMs: number[];
}

export function draftOf(state: ServerState): ServerDraft {
  const { record, clocks } = state;
  return {
    session: record.session,
    run: record.run,
    phase: record.phase,
    participants: new Map(Object.entries(record.participants)),
    refusals: new Map(Object.entries(record.refusals)),
    updates: new Map(Object.entries(record.updates)),
    unsettled: new Map(
      Object.entries(record.unsettled).map(([round, keys]) => [round, new Map(Object.entries(keys))]),
    ),
    reported: new Set(record.reported),
    presence: new Map(Object.entries(clocks.presence)),
    lastRegistrationAtMs: clocks.lastRegistrationAtMs,
    roundOpenedAtMs: clocks.roundOpenedAtMs,
    stuckSinceMs: clocks.stuckSinceMs,
    actions: [],
    events: [],
    deadlinesMs: [],
  };
}

export function finishDraft(draft: ServerDraft, instant: Instant): ServerState {
  return {
    record: {
      format: 1,
      session: draft.session,
      run: draft.run,
      phase: draft.phase,
      participants: Object.fromEntries(draft.participants),
      refusals: Object.fromEntries(draft.refusals),
      updates: Object.fromEntries(draft.updates),
      unsettled: Object.fromEntries(
        [...draft.unsettled].map(([round, keys]) => [round, Object.fromEntries(keys)]),
      ),
      reported: [...draft.reported],
    },
    clocks: {
      presence: Object.fromEntries(draft.presence),
      lastStepAtMs: instant.monotonicMs,
      lastRegistrationAtMs: draft.lastRegistrationAtMs,
      roundOpenedAtMs: draft.roundOpenedAtMs,
      stuckSinceMs: draft.stuckSinceMs,
    },
  };
}

/** The active participants by key, in the order of their keys. */
export function activeOf(draft: ServerDraft): readonly (readonly [string, Participant])[] {
  return [...draft.participants]
    .filter(([, participant]) => participant.status === 'active')
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

/** The round as people count it: registration belongs to the first. */
export function displayRound(phase: ServerPhase): number {
  return roundOf(phase) ?? 1;
}

/** Whether an account may act for a participant; what nobody can tell is no objection. */
export function mayActFor(participant: Participant, account: Account | null): boolean {
  return participant.account === null || account === null || participant.account.id === account.id;
}

/** Say once that somebody else wrote a participant's file. */
export function reportForeign(
  draft: ServerDraft,
  what: string,
  participant: string,
  account: Account | null,
): void {
  const token = `foreign/${what}/${participant}/${account?.id ?? ''}`;
  if (draft.reported.has(token)) return;
  draft.reported.add(token);
  draft.events.push({
    event: 'foreign-file',
    participant,
    account: account?.name ?? '',
    message: `${what} of ${participant} was written by ${account?.name ?? 'somebody unknown'} and is ignored`,
  });
}
