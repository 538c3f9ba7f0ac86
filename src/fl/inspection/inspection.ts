import type { Layout } from '../round/run-folder.ts';
import type { Identity } from '../transport/workdir.ts';
import type { Irregularity, IrregularityCount } from './irregularity.ts';

/** How a run ended, in the server's words. Units: milliseconds since 1970. */
export interface EndingReport {
  readonly kind: 'finished' | 'stopped-by-user' | 'failed' | 'unreadable' | 'open';
  /** What `server_ended.txt` says; null while it does not exist. */
  readonly text: string | null;
  readonly atMs: number | null;
}

/** Where a participant stands with the server. `unknown`: it was answered, and the answer is not on this disk. */
export type Admission = 'admitted' | 'refused' | 'unanswered' | 'unreadable' | 'unknown' | 'never-asked';

export interface HeartbeatReport {
  readonly lastAtMs: number;
  /** From the last heartbeat to the end of the run, or to the last sign of life of anybody. */
  readonly silentMs: number;
  /** The participant's clock less that of whoever stamped the file; null when the content is no time. */
  readonly skewMs: number | null;
  /** How many heartbeats this mount carried, and the longest pause between two; null on a plain copy. */
  readonly carried: { readonly count: number; readonly longestGapMs: number } | null;
}

/**
 * What a participant was doing. `waiting` is for others, `receiving` is for the round's model to arrive; `absent`: its
 * program did not run, as it says itself; `unknown`: no file tells whether it ran.
 */
export type Activity = 'waiting' | 'receiving' | 'training' | 'uploading' | 'absent' | 'unknown' | 'lost';

/** A time in which a program did not run, as it says itself. Units: milliseconds since 1970. */
export interface AbsenceReport {
  readonly fromMs: number;
  readonly toMs: number;
  /** `stopped`: by a person, in order; `killed`: by a crash, a power cut, kill -9. */
  readonly how: 'stopped' | 'killed';
}

/** What is known of the server's life. Units: milliseconds since 1970. */
export interface ServerReport {
  /** Its last sign of life, of whatever kind; null when it left none. */
  readonly heardAtMs: number | null;
  /** When it should be heard again, as it says; null where it does not, and after the end. */
  readonly dueAtMs: number | null;
  /** Whom it waited for then. */
  readonly awaited: readonly string[];
  readonly absences: readonly AbsenceReport[];
}

export interface Span {
  readonly activity: Activity;
  readonly round: number | null;
  readonly fromMs: number;
  readonly toMs: number;
  /** True when no file tells the bounds and the neighbours' bounds stand in. */
  readonly estimated: boolean;
}

export interface ParticipantReport {
  readonly name: string;
  /** The name as files of a round spell it. */
  readonly key: string;
  readonly admission: Admission;
  /** Why it was refused, in the server's words. */
  readonly refusal: string | null;
  readonly answeredAtMs: number | null;
  /** The account that claimed the name, where the shared folder tells. */
  readonly account: Identity | null;
  readonly heartbeat: HeartbeatReport | null;
  readonly lost: { readonly round: number | null; readonly atMs: number } | null;
  readonly delivered: number;
  readonly bytes: number;
  readonly spans: readonly Span[];
  readonly absences: readonly AbsenceReport[];
}

export interface CheckpointReport {
  readonly format: 'zip' | 'legacy' | null;
  readonly tensors: number;
  readonly parameters: number;
  readonly sha256: string | null;
  /** Why it is no usable checkpoint; null when it is one. */
  readonly problem: string | null;
}

/** `late`: it came after the round was closed. `pending`: the round is open. `missing`: the round closed without it. */
export type UpdateStatus =
  | 'used'
  | 'delivered'
  | 'refused'
  | 'late'
  | 'failed'
  | 'pending'
  | 'missing'
  | 'lost';

/** What one participant brought to one round. Units: milliseconds, bytes. */
export interface UpdateReport {
  readonly participant: string;
  readonly key: string;
  readonly status: UpdateStatus;
  readonly reason: string | null;
  readonly sizeBytes: number | null;
  readonly deliveredAtMs: number | null;
  readonly samples: number | null;
  readonly weight: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly trainingMs: number | null;
  readonly transferMs: number | null;
  /** From delivery to the next round's start. */
  readonly waitingMs: number | null;
  readonly bytesPerSecond: number | null;
  readonly versionId: string | null;
  readonly writtenBy: Identity | null;
  readonly checkpoint: CheckpointReport | null;
}

export interface RoundReport {
  readonly round: number;
  readonly start: 'model' | 'no-model' | 'missing';
  readonly startedAtMs: number | null;
  readonly startBytes: number | null;
  readonly startCheckpoint: CheckpointReport | null;
  /** When the next round's model stood there; null while the round is open. */
  readonly closedAtMs: number | null;
  readonly aggregationMs: number | null;
  /** True for the folder that holds nothing but the run's final model. */
  readonly isFinal: boolean;
  readonly metrics: Readonly<Record<string, number>>;
  /** Sorted by name; one for each participant that the round expected or heard of. */
  readonly updates: readonly UpdateReport[];
}

export interface TransferTotals {
  readonly op: string;
  readonly count: number;
  readonly failed: number;
  readonly bytes: number;
  readonly durationMs: number;
}

/** What a mount's index adds. */
export interface MountReport {
  readonly calls: number;
  readonly byEndpoint: readonly { readonly endpoint: string; readonly calls: number }[];
  readonly byHour: readonly { readonly hourAtMs: number; readonly calls: number }[];
  readonly transfers: readonly TransferTotals[];
}

/** Everything that a run folder tells. Units: milliseconds since 1970. */
export interface Inspection {
  readonly name: string;
  readonly folder: string;
  readonly layouts: readonly Layout[];
  readonly inspectedAtMs: number;
  readonly startedAtMs: number | null;
  readonly lastActivityAtMs: number | null;
  readonly roundsPlanned: number | null;
  /** The task as sent to the participants; null when missing or unreadable. */
  readonly task: string | null;
  readonly ending: EndingReport;
  readonly server: ServerReport;
  readonly participants: readonly ParticipantReport[];
  readonly rounds: readonly RoundReport[];
  readonly irregularities: readonly Irregularity[];
  readonly irregularityCounts: readonly IrregularityCount[];
  /** Null on a plain copy. */
  readonly mount: MountReport | null;
}
