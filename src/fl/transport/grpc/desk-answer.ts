import type { AnswerNote } from './wire-notes.ts';

/** What the front desk says to a call; the service turns it into a status. */
export type DeskAnswer<Value> =
  | { readonly kind: 'ok'; readonly value: Value; readonly note: AnswerNote | null }
  /** Ask again in a moment. */
  | { readonly kind: 'wait'; readonly text: string; readonly note: AnswerNote | null }
  /** No, and asking again is useless. */
  | { readonly kind: 'denied'; readonly text: string; readonly note: AnswerNote | null }
  /** The call itself makes no sense now. */
  | { readonly kind: 'unfit'; readonly text: string }
  /** The server cannot answer just now. */
  | { readonly kind: 'away'; readonly text: string };

/** The model that a client is given. */
export interface DeskModel {
  readonly configuration: Buffer;
  /** Where the aggregate stands; null in a first round without a start model. */
  readonly checkpointPath: string | null;
  readonly sizeBytes: number;
}

/** What kMoL's server says; its clients only print it. */
export const DESK_TEXTS = {
  tokenInvalid: 'Access Denied... Token is invalid...',
  cutOff: (timeoutSeconds: number) =>
    `Access Denied... Token is invalid... Nothing was heard for longer than heartbeat_timeout: ${timeoutSeconds} s.`,
  refused: (why: string) => `Authentication failed... ${why}`,
  waitingForClients: 'Waiting for more clients to join.',
  nextRound: 'Next round is not available yet.',
  finished: 'All rounds have been completed. Closing session.',
} as const;
