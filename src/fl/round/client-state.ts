import type { FederationEvent } from './event.ts';
import type { Answer } from './protocol-texts.ts';
import type { Layout } from './run-folder.ts';
import type { ForeignFile } from './server-ownership.ts';
import type { Instant } from './settings.ts';

/** What a finished training left on this machine. */
export interface TrainedUpdate {
  readonly round: number;
  readonly checkpointPath: string;
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly samples: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  /** Of the aggregate it started from; null in a first round without a start model. */
  readonly startSha256: string | null;
  readonly seconds: number;
}

/** How taking part ends. */
export interface ClientEnding {
  readonly kind: 'finished' | 'stopped' | 'failed' | 'misconfigured' | 'refused' | 'cut-off' | 'moved';
  /** One line for a person. */
  readonly message: string;
  /** The round whose aggregate is the final model; null when there is none, or none has arrived. */
  readonly finalRound: number | null;
}

/** What survives a restart. */
export interface ClientRecord {
  readonly format: 1;
  readonly run: string;
  readonly name: string;
  readonly admitted: boolean;
  /** True once the run's end was heard of: a later start looks for another run. */
  readonly over: boolean;
  readonly trained: TrainedUpdate | null;
  /** The update that was put into the folder last. */
  readonly published: { readonly round: number; readonly sha256: string } | null;
  /** Trainings that failed, or whose update was refused, in a round. */
  readonly failures: { readonly round: number; readonly count: number };
  /** The refusal that was answered last by another training; it still stands in the folder. */
  readonly heededRefusal: string | null;
  /** The foreign version of the own update that was answered last by delivering it again. */
  readonly heededOverwrite: string | null;
}

/** What starts anew with the process. Units: monotonic milliseconds. */
export interface ClientState {
  readonly record: ClientRecord;
  /** Since when the mark of a lost connection stands; null while it does not. */
  readonly lostSinceMs: number | null;
  /** The round in whose folder the own update was seen. */
  readonly seenDelivered: number | null;
  /** Since when the run is seen to have ended. */
  readonly endedSinceMs: number | null;
  readonly ending: ClientEnding | null;
}

export interface ObservedClientRound {
  readonly round: number;
  readonly source: 'aggregate' | 'nothing';
  /** Whether the aggregate's bytes are here. */
  readonly present: boolean;
  /** Whether the server says that no round starts from this aggregate; null where it does not tell. */
  readonly final: boolean | null;
  readonly hasOwnUpdate: boolean;
  /** The account, not this client's, that wrote what now stands under the own update's name; null when none did. */
  readonly overwritten: { readonly by: string; readonly version: string } | null;
  /** The hash of the own update that the server refused last, and why; `id` tells refusals of the same bytes apart. */
  readonly refused: { readonly id: string; readonly sha256: string; readonly message: string } | null;
}

/** When the server was heard of last, and what it waited for then. Units: milliseconds since 1970, by this machine's clock. */
export interface ServerHeard {
  readonly atMs: number;
  /** When it should be heard again; null where it does not say. */
  readonly dueAtMs: number | null;
  /** Whom it waited for then. */
  readonly participants: readonly string[];
}

/** The run folder at one look, as the client's machine needs it. */
export interface ClientObservation {
  /** Layouts whose authentication folder stands there: the server's choice. */
  readonly layouts: readonly Layout[];
  /** The own authentication file; null when there is none. */
  readonly claim: {
    readonly layout: Layout;
    readonly answer: Answer | undefined;
    readonly text: string;
  } | null;
  readonly taskPresent: boolean;
  /** What server_ended.txt says (null while only its name is here); null when it does not exist. */
  readonly ended: {
    readonly text: string | null;
    /** True where no final model follows: kMoL's gRPC server keeps it for itself. */
    readonly withoutModel?: boolean;
  } | null;
  readonly lost: boolean;
  /** The newest round that was opened. */
  readonly round: ObservedClientRound | null;
  /** A run that began after this one. */
  readonly newerRun: string | null;
  /** The round being trained right now; null when none is. */
  readonly training: number | null;
  /** What is known of the server's life; absent where the folder does not tell. */
  readonly server?: ServerHeard | undefined;
  /** Files under the server's names that somebody else wrote, and of which nothing was told yet. */
  readonly foreign?: readonly ForeignFile[];
}

export type ClientResult =
  | { readonly kind: 'trained'; readonly update: TrainedUpdate }
  | {
      readonly kind: 'published';
      readonly round: number;
      readonly sha256: string;
      readonly sizeBytes: number;
    }
  | {
      readonly kind: 'training-failed';
      readonly round: number;
      readonly message: string;
      /** The file in which the training's output stands, where it has one. */
      readonly output?: string;
      /** True when trying again is useless until a person mends the configuration. */
      readonly isConfiguration: boolean;
    }
  | { readonly kind: 'checkpoint-gone'; readonly round: number };

/** What the client wants done; repeated until its effect is observed. */
export type ClientAction =
  | { readonly kind: 'claim'; readonly layout: Layout }
  | { readonly kind: 'train'; readonly round: number; readonly source: 'aggregate' | 'nothing' }
  | { readonly kind: 'abandon-training'; readonly round: number }
  | { readonly kind: 'publish'; readonly update: TrainedUpdate }
  | { readonly kind: 'report-failure'; readonly round: number; readonly message: string };

export interface ClientSettings {
  /** How often a failed training, or one whose update was refused, is tried again in the same round. */
  readonly trainingRetries: number;
  /** How long a client that was cut off waits to be taken back. Units: milliseconds. */
  readonly rejoinWaitMs: number;
  /** How long a client waits for the final model after the end. Units: milliseconds. */
  readonly finalModelWaitMs: number;
}

export interface ClientInput {
  readonly observation: ClientObservation;
  readonly results: readonly ClientResult[];
  readonly instant: Instant;
  readonly settings: ClientSettings;
}

export interface ClientStep {
  readonly state: ClientState;
  readonly actions: readonly ClientAction[];
  readonly events: readonly FederationEvent[];
  readonly wakeAtMs: number | null;
  /** What is awaited; null while something is being done. */
  readonly awaited: {
    readonly what: string;
    readonly message: string;
    readonly untilMs: number | null;
    /** Of a wait for the server: what is known of its life. */
    readonly server?: ServerHeard | undefined;
  } | null;
}

/** The state of a client that has not yet spoken in `run`. */
export function newClientState(run: string, name: string): ClientState {
  return resumedClientState({
    format: 1,
    run,
    name,
    admitted: false,
    over: false,
    trained: null,
    published: null,
    failures: { round: 0, count: 0 },
    heededRefusal: null,
    heededOverwrite: null,
  });
}

/** The state of a client that goes on after a restart. */
export function resumedClientState(record: ClientRecord): ClientState {
  return { record, lostSinceMs: null, seenDelivered: null, endedSinceMs: null, ending: null };
}
