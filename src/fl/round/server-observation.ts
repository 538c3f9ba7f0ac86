import type { Answer } from './protocol-texts.ts';
import type { Layout } from './run-folder.ts';
import type { ForeignFile } from './server-ownership.ts';
import type { Account } from './server-state.ts';

export interface ObservedAuthentication {
  readonly name: string;
  readonly layout: Layout;
  /** Undefined while only the file's name is here and not its bytes. */
  readonly answer: Answer | undefined;
  readonly createdBy: Account | null;
}

export interface ObservedHeartbeat {
  readonly name: string;
  readonly version: string;
  readonly modifiedBy: Account | null;
}

/** A participant's own word that it leaves and need not be waited for. */
export interface ObservedDeparture {
  readonly name: string;
  readonly modifiedBy: Account | null;
}

export interface ObservedUpdate {
  /** The participant's key. */
  readonly key: string;
  /** Of the checkpoint and its side file together. */
  readonly version: string;
  readonly present: boolean;
  readonly sizeBytes: number;
  readonly modifiedBy: Account | null;
}

export interface ObservedFailure {
  /** The participant's key. */
  readonly key: string;
  readonly version: string;
  readonly modifiedBy: Account | null;
}

/** A file under one of the server's names that another account wrote, and how the server answers it. */
export interface ObservedForeign extends ForeignFile {
  readonly version: string;
  /** What the server writes anew in its place; null where its own content is that nothing stands there. */
  readonly remedy:
    | { readonly kind: 'task' | 'settings' | 'meta' | 'round' | 'answer' }
    | { readonly kind: 'refusal'; readonly key: string }
    | null;
}

export interface ObservedRound {
  readonly round: number;
  /** Whether the file that clients wait for (aggregate, or "no start model") stands there. */
  readonly opened: boolean;
  readonly updates: readonly ObservedUpdate[];
  /** Participants that reported that their training failed. */
  readonly failures: readonly ObservedFailure[];
}

/** The run folder at one look, as the server's machine needs it. */
export interface ServerObservation {
  /** False while changes of others cannot arrive: silence then means nothing. */
  readonly connected: boolean;
  readonly authentications: readonly ObservedAuthentication[];
  readonly heartbeats: readonly ObservedHeartbeat[];
  /** Names for which `<name>.lost_connection` stands. */
  readonly lostMarks: readonly string[];
  readonly departures: readonly ObservedDeparture[];
  readonly ended: boolean;
  /** The phase's round; null outside rounds. */
  readonly round: ObservedRound | null;
  /** Files under the server's names that others wrote. */
  readonly foreign?: readonly ObservedForeign[];
  /** Some of the rounds before it, for checkpoints that come too late; over several looks, all that were asked for. */
  readonly closed: readonly ObservedRound[];
}

/** What the driver's own effects came to. */
export type ServerResult =
  | {
      readonly kind: 'update-checked';
      readonly round: number;
      readonly key: string;
      readonly version: string;
      /** Null for a usable checkpoint. */
      readonly problem: { readonly reason: string; readonly message: string } | null;
      /** Of the checkpoint that was looked at. */
      readonly sha256?: string;
      readonly samples: number | null;
      readonly metrics: Readonly<Record<string, number>>;
      readonly sizeBytes: number;
    }
  | {
      readonly kind: 'aggregated';
      readonly round: number;
      readonly weights: Readonly<Record<string, number>>;
      readonly refused: readonly {
        readonly key: string;
        readonly reason: string;
        readonly message: string;
      }[];
      /** The participants' own metrics, weighted as their updates were. */
      readonly metrics?: Readonly<Record<string, number>>;
      /** What the rule did beside what it was told. */
      readonly notes?: readonly string[];
      readonly seconds: number;
    }
  | {
      readonly kind: 'aggregation-failed';
      readonly round: number;
      readonly code: string;
      readonly message: string;
    };
