import type { ClientObservation, ObservedClientRound } from '../../round/client-state.ts';
import type { AnswerNote } from './wire-notes.ts';

/** What a connected client knows of its run. */
export interface ClientView {
  /** Null while the server does not know this client, or no longer. */
  readonly token: string | null;
  /** Why the server refused this client; null while it did not. */
  readonly refusal: string | null;
  /** The newest round whose model is here; 0 for none. */
  readonly round: number;
  readonly source: ObservedClientRound['source'];
  /** Null where the server does not tell. */
  readonly final: boolean | null;
  /** The newest round whose update the server took; 0 for none. */
  readonly delivered: number;
  readonly refused: ObservedClientRound['refused'];
  readonly lost: boolean;
  /** How the run ended; null while it has not. */
  readonly ended: string | null;
  /** True where no final model comes. */
  readonly withoutModel: boolean;
  /** A run that the server began after this one. */
  readonly newerRun: string | null;
  /** What the server asks of its clients; null where it does not tell. */
  readonly limits: NonNullable<AnswerNote['limits']> | null;
}

/** What an answer's note adds to what is known. */
export function heedNote(view: ClientView, note: AnswerNote | undefined): ClientView {
  if (note === undefined) return view;
  const isPresent = note.round !== null && note.round === view.round;
  return {
    ...view,
    lost: note.lost,
    ended: note.ended ?? view.ended,
    delivered: isPresent && note.delivered ? view.round : view.delivered,
    refused: isPresent ? note.refused : view.refused,
    limits: note.limits ?? view.limits,
  };
}

function claimOf({ token, refusal }: ClientView): ClientObservation['claim'] {
  if (refusal !== null) return { layout: 'documented', answer: 'error', text: refusal };
  return token === null ? null : { layout: 'documented', answer: 'authenticated', text: '' };
}

/** What a client's machine is shown: the same as a look at a run folder would show it. */
export function observationOf(view: ClientView, training: number | null): ClientObservation {
  const { round, source, final, delivered, refused, ended, withoutModel } = view;
  return {
    // A claim is made by connecting, never by the machine.
    layouts: [],
    claim: claimOf(view),
    taskPresent: round > 0,
    ended: ended === null ? null : { text: ended, withoutModel },
    lost: view.lost,
    round:
      round === 0
        ? null
        : {
            round,
            source,
            present: true,
            final,
            hasOwnUpdate: delivered === round,
            // The desk takes an update from its owner alone.
            overwritten: null,
            refused,
          },
    newerRun: view.newerRun,
    training,
  };
}
