import type { Layout } from './run-folder.ts';

/** An account of the shared folder, as far as it tells. */
export interface Account {
  readonly id: string;
  readonly name: string;
}

/** A registered participant. */
export interface Participant {
  /** As its files spell it; its key is the same in lower case. */
  readonly name: string;
  readonly layout: Layout;
  /** The account that claimed the name; null where nobody can tell. */
  readonly account: Account | null;
  readonly status: 'active' | 'lost';
  /** The round in which it was lost last; null while it was never lost. */
  readonly lostInRound: number | null;
}

/** An authentication file that was answered with no. */
export interface Refusal {
  readonly name: string;
  readonly layout: Layout;
  readonly text: string;
}

/** What is known of a participant's update for the present round. */
export interface UpdateRecord {
  /** Of the checkpoint and its side file: another one means that it must be looked at again. */
  readonly version: string;
  readonly status: 'valid' | 'refused';
  /** Of the checkpoint that was looked at; absent in states of versions that did not keep it. */
  readonly sha256?: string | undefined;
  readonly samples: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly sizeBytes: number;
  /** Why it was refused; empty for a valid one. */
  readonly reason: string;
}

/** How a run ends. */
export interface Ending {
  readonly kind: 'finished' | 'stopped' | 'failed';
  /** Machine-readable, kebab-case. */
  readonly code: string;
  /** What stands in server_ended.txt; the time is added when it is written. */
  readonly text: string;
  /** The round whose folder gets the final aggregate; null when there is none to publish. */
  readonly finalRound: number | null;
  /** The round in which it ended; null before the first. */
  readonly round: number | null;
}

export interface AggregationPlanEntry {
  readonly key: string;
  readonly version: string;
  readonly sha256?: string | undefined;
  readonly samples: number | null;
}

export type ServerPhase =
  | { readonly kind: 'registering' }
  | { readonly kind: 'collecting'; readonly round: number }
  | { readonly kind: 'aggregating'; readonly round: number; readonly inputs: readonly AggregationPlanEntry[] }
  | { readonly kind: 'finishing'; readonly ending: Ending }
  | { readonly kind: 'ended'; readonly ending: Ending };

/** What survives a restart. */
export interface ServerRecord {
  readonly format: 1;
  /** Which shared folder the run lives in, so that one machine's servers keep their runs apart. */
  readonly session: string;
  readonly run: string;
  readonly phase: ServerPhase;
  /** By participant key. */
  readonly participants: Readonly<Record<string, Participant>>;
  /** By `<layout>/<name>`. */
  readonly refusals: Readonly<Record<string, Refusal>>;
  /** By participant key; of the round being collected. */
  readonly updates: Readonly<Record<string, UpdateRecord>>;
  /**
   * By closed round: the keys of those without a usable checkpoint in it, each with the version that had been looked
   * at, or ''. Any other version that shows up there is late.
   */
  readonly unsettled: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What was already reported as foreign, so that it is said once. */
  readonly reported: readonly string[];
}

/** What was last heard of a participant, by the server's own clock. */
export interface Presence {
  readonly version: string;
  readonly seenAtMs: number;
}

/** What starts anew with the process. Units: monotonic milliseconds. */
export interface ServerClocks {
  /** By participant key. */
  readonly presence: Readonly<Record<string, Presence>>;
  readonly lastStepAtMs: number;
  readonly lastRegistrationAtMs: number;
  /** Since when the present round is open; null until it was seen open. */
  readonly roundOpenedAtMs: number | null;
  /** Since when nobody active can bring the round any further; null while somebody can. */
  readonly stuckSinceMs: number | null;
}

export interface ServerState {
  readonly record: ServerRecord;
  readonly clocks: ServerClocks;
}

function freshClocks(monotonicMs: number): ServerClocks {
  return {
    presence: {},
    lastStepAtMs: monotonicMs,
    lastRegistrationAtMs: monotonicMs,
    roundOpenedAtMs: null,
    stuckSinceMs: null,
  };
}

/** The state of a run that nobody has joined yet. */
export function newServerState(session: string, run: string, monotonicMs: number): ServerState {
  return {
    record: {
      format: 1,
      session,
      run,
      phase: { kind: 'registering' },
      participants: {},
      refusals: {},
      updates: {},
      unsettled: {},
      reported: [],
    },
    clocks: freshClocks(monotonicMs),
  };
}

/** The state of a run that goes on after a restart: everybody's clock starts again, since nobody listened meanwhile. */
export function resumedServerState(record: ServerRecord, monotonicMs: number): ServerState {
  return { record, clocks: freshClocks(monotonicMs) };
}

/** A run that ended without success, open again where it stood. Errors: none; a finished run stays finished. */
export function reopenedRecord(record: ServerRecord): ServerRecord {
  const { phase } = record;
  if ((phase.kind !== 'finishing' && phase.kind !== 'ended') || phase.ending.kind === 'finished')
    return record;
  const { round } = phase.ending;
  return { ...record, phase: round === null ? { kind: 'registering' } : { kind: 'collecting', round } };
}

/** The closed rounds for which a checkpoint may still come too late, in their order; none outside a collection. */
export function unsettledRounds({ phase, unsettled }: ServerRecord): readonly number[] {
  return phase.kind === 'collecting' ? Object.keys(unsettled).map(Number) : [];
}

/** The round a phase is about; null outside rounds. */
export function roundOf(phase: ServerPhase): number | null {
  switch (phase.kind) {
    case 'registering':
      return null;
    case 'collecting':
    case 'aggregating':
      return phase.round;
    case 'finishing':
    case 'ended':
      return phase.ending.finalRound;
  }
}
