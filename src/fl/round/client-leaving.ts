import type { ClientDraft } from './client-draft.ts';
import type { ClientInput, ClientObservation, ObservedClientRound } from './client-state.ts';
import { endingWords, FINISHED_WORDS } from './protocol-texts.ts';

/** Whether the server said no, and never yes. */
export function isRefused({ record }: ClientDraft, { claim }: ClientObservation): boolean {
  return !record.admitted && claim?.answer === 'error';
}

/** End with the server's refusal. */
export function refuse(draft: ClientDraft, answer: string): void {
  const message = `the server refused ${draft.record.name}: ${answer}`;
  draft.ending = { kind: 'refused', message, finalRound: null };
}

/** The run is over: stop, and take the final model along if there is one to come. */
export function leave(
  draft: ClientDraft,
  input: ClientInput,
  { text, withoutModel = false }: NonNullable<ClientObservation['ended']>,
): void {
  const { observation, instant, settings } = input;
  if (observation.training !== null)
    draft.actions.push({ kind: 'abandon-training', round: observation.training });
  if (text === null) {
    draft.awaited = { what: 'ending', message: 'the run has ended; waiting to read how', untilMs: null };
    return;
  }
  if (!text.startsWith(FINISHED_WORDS)) {
    draft.ending = { kind: 'stopped', message: endingWords(text), finalRound: null };
    return;
  }
  draft.endedSinceMs ??= instant.monotonicMs;
  const deadlineMs = draft.endedSinceMs + settings.finalModelWaitMs;
  if (!draft.record.admitted && observation.claim?.answer !== 'authenticated') {
    leaveUnadmitted(draft, input, { text, deadlineMs });
    return;
  }
  const finalRound = withoutModel ? null : finalRoundOf(observation.round);
  if (finalRound !== null || withoutModel || instant.monotonicMs >= deadlineMs) {
    draft.ending = { kind: 'finished', message: endingWords(text), finalRound };
    return;
  }
  draft.deadlinesMs.push(deadlineMs);
  draft.awaited = { what: 'aggregate', message: 'waiting for the final model', untilMs: deadlineMs };
}

/** The run finished without this client, unless the answer to its claim is still on its way. */
function leaveUnadmitted(
  draft: ClientDraft,
  { observation, instant }: ClientInput,
  { text, deadlineMs }: { readonly text: string; readonly deadlineMs: number },
): void {
  const isUnderway = observation.claim !== null && observation.claim.answer === undefined;
  if (isUnderway && instant.monotonicMs < deadlineMs) {
    draft.deadlinesMs.push(deadlineMs);
    draft.awaited = { what: 'admission', message: 'waiting to read the answer', untilMs: deadlineMs };
    return;
  }
  const message = `the run ended before the server admitted ${draft.record.name}: ${endingWords(text)}`;
  draft.ending = { kind: 'refused', message, finalRound: null };
}

/** A server that marks no final model is kMoL's, which publishes it before the end: it is the newest there is. */
function finalRoundOf(round: ObservedClientRound | null): number | null {
  if (round === null || !round.present || round.source !== 'aggregate') return null;
  return round.final === false ? null : round.round;
}
