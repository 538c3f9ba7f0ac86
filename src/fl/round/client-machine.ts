import { splitLastWords } from '../../last-words.ts';
import type { ClientDraft } from './client-draft.ts';
import { isRefused, leave, refuse } from './client-leaving.ts';
import type {
  ClientEnding,
  ClientInput,
  ClientState,
  ClientStep,
  ObservedClientRound,
  TrainedUpdate,
} from './client-state.ts';
import { foreignFileEvent } from './server-ownership.ts';

/** Whether an ending is the run's own; a failed training may be mended, and the run goes on. */
export function isOver({ kind }: ClientEnding): boolean {
  return kind === 'finished' || kind === 'stopped';
}

/**
 * The client's whole behaviour in one run: state, one look at the folder, the time -> next state and what to do.
 *
 * Guarantees: pure; works on the newest opened round only; never trains a round again whose checkpoint exists;
 * never trains once the run has ended.
 */
export function stepClient(state: ClientState, input: ClientInput): ClientStep {
  const draft: ClientDraft = { ...state, awaited: null, actions: [], events: [], deadlinesMs: [] };
  for (const file of input.observation.foreign ?? []) draft.events.push(foreignFileEvent(file));
  if (draft.ending === null) {
    takeResults(draft, input);
    advance(draft, input);
  }
  if (draft.ending !== null && input.observation.training !== null)
    draft.actions.push({ kind: 'abandon-training', round: input.observation.training });
  const { record, lostSinceMs, seenDelivered, endedSinceMs, ending, awaited } = draft;
  const { server } = input.observation;
  return {
    state: { record, lostSinceMs, seenDelivered, endedSinceMs, ending },
    actions: draft.actions,
    events: draft.events,
    wakeAtMs: draft.deadlinesMs.length === 0 ? null : Math.min(...draft.deadlinesMs),
    awaited: awaited === null ? null : { ...awaited, server },
  };
}

function takeResults(draft: ClientDraft, input: ClientInput): void {
  for (const result of input.results) {
    if (result.kind === 'trained') {
      draft.record = { ...draft.record, trained: result.update };
      const { round, samples, metrics, seconds } = result.update;
      draft.events.push({ event: 'trained', round, samples, metrics, seconds });
    } else if (result.kind === 'published') {
      const { round, sha256, sizeBytes } = result;
      draft.record = { ...draft.record, published: { round, sha256 } };
      draft.events.push({ event: 'uploaded', round, size_bytes: sizeBytes, sha256 });
    } else if (result.kind === 'checkpoint-gone') {
      draft.record = { ...draft.record, trained: null };
    } else {
      const { round, message, output } = result;
      draft.events.push({
        event: 'training-failed',
        round,
        message,
        ...(output === undefined ? {} : { output }),
      });
      countFailure(draft, input, result);
    }
  }
}

function countFailure(
  draft: ClientDraft,
  input: ClientInput,
  failure: { readonly round: number; readonly message: string; readonly isConfiguration: boolean },
): void {
  const { round, message, isConfiguration } = failure;
  const { failures } = draft.record;
  const count = failures.round === round ? failures.count + 1 : 1;
  draft.record = { ...draft.record, failures: { round, count } };
  if (count <= input.settings.trainingRetries && !isConfiguration) return;
  draft.actions.push({ kind: 'report-failure', round, message });
  const kind = isConfiguration ? 'misconfigured' : 'failed';
  // The event before has told all of it, a program's last words included.
  draft.ending = {
    kind,
    message: `training failed in round ${round}: ${firstLine(splitLastWords(message).said)}`,
    finalRound: null,
  };
}

const firstLine = (text: string) => text.split('\n', 1)[0] ?? '';

function advance(draft: ClientDraft, input: ClientInput): void {
  if (draft.ending !== null) return;
  const { observation } = input;
  if (observation.ended !== null) {
    // Who finds its refusal together with the end was refused: the end is none of its own.
    if (isRefused(draft, observation)) refuse(draft, observation.claim?.text ?? '');
    else leave(draft, input, observation.ended);
    return;
  }
  if (!isAdmitted(draft, input)) return;
  heedLostMark(draft, input);
  if (draft.ending !== null) return;
  const { round } = observation;
  if (round === null || !observation.taskPresent) {
    draft.awaited = { what: 'aggregate', message: 'waiting for the first round', untilMs: null };
    return;
  }
  if (observation.training !== null) {
    // A newer round makes this training's update late; it would be ignored.
    if (observation.training < round.round) abandon(draft, observation.training, round.round);
    return;
  }
  workOn(draft, input, round);
}

function abandon(draft: ClientDraft, training: number, newest: number): void {
  draft.actions.push({ kind: 'abandon-training', round: training });
  draft.events.push({
    event: 'training-abandoned',
    round: training,
    message: `round ${newest} has begun, an update for round ${training} would come too late`,
  });
}

function isAdmitted(draft: ClientDraft, input: ClientInput): boolean {
  const { claim, layouts, newerRun } = input.observation;
  if (claim?.answer === 'authenticated') {
    if (!draft.record.admitted) {
      draft.record = { ...draft.record, admitted: true };
      draft.events.push({ event: 'admitted', participant: draft.record.name });
    }
    return true;
  }
  if (claim?.answer === 'error') {
    refuse(draft, claim.text);
    return false;
  }
  if (newerRun !== null) {
    draft.ending = { kind: 'moved', message: `run ${newerRun} has begun`, finalRound: null };
    return false;
  }
  const layout = layouts[0];
  if (claim === null && layout !== undefined) draft.actions.push({ kind: 'claim', layout });
  draft.awaited = { what: 'admission', message: 'waiting for the server to answer', untilMs: null };
  return false;
}

/** A mark of a lost connection may be taken back by a server that allows it; until then work goes on. */
function heedLostMark(draft: ClientDraft, input: ClientInput): void {
  const { lost, round } = input.observation;
  const name = draft.record.name;
  if (!lost) {
    if (draft.lostSinceMs !== null)
      draft.events.push({ event: 'participant-back', participant: name, round: round?.round ?? 1 });
    draft.lostSinceMs = null;
    return;
  }
  if (draft.lostSinceMs === null)
    draft.events.push({ event: 'participant-lost', participant: name, round: round?.round ?? 1 });
  draft.lostSinceMs ??= input.instant.monotonicMs;
  const deadlineMs = draft.lostSinceMs + input.settings.rejoinWaitMs;
  if (input.instant.monotonicMs < deadlineMs) draft.deadlinesMs.push(deadlineMs);
  else
    draft.ending = {
      kind: 'cut-off',
      message: 'the server cut this client off and did not take it back',
      finalRound: null,
    };
}

function workOn(draft: ClientDraft, input: ClientInput, round: ObservedClientRound): void {
  const { trained } = draft.record;
  const { refused } = round;
  const isHeeded = refused !== null && refused.id === draft.record.heededRefusal;
  const isOwn = trained?.round === round.round && trained.sha256 === refused?.sha256;
  if (refused !== null && !isHeeded && isOwn) {
    draft.record = { ...draft.record, trained: null, published: null, heededRefusal: refused.id };
    draft.events.push({
      event: 'update-refused',
      round: round.round,
      participant: draft.record.name,
      reason: 'refused-by-server',
      message: refused.message,
    });
    countFailure(draft, input, { ...refused, round: round.round, isConfiguration: false });
    if (draft.ending === null) startTraining(draft, round);
    return;
  }
  if (trained?.round === round.round) {
    deliver(draft, round, trained);
    return;
  }
  // Trained by an earlier life of this client whose memory is gone: the checkpoint itself is the memory.
  if (round.hasOwnUpdate && !isHeeded) awaitNext(draft, round.round);
  else startTraining(draft, round);
}

/** Put the update into the folder, and again when somebody else's bytes took its place: those would never be accepted. */
function deliver(draft: ClientDraft, round: ObservedClientRound, trained: TrainedUpdate): void {
  const { published, heededOverwrite, name } = draft.record;
  const { overwritten } = round;
  const isPublished = published?.round === trained.round && published.sha256 === trained.sha256;
  const isOverwritten = isPublished && overwritten !== null && overwritten.version !== heededOverwrite;
  if (isPublished && round.hasOwnUpdate && !isOverwritten) {
    draft.seenDelivered = round.round;
    awaitNext(draft, round.round);
    return;
  }
  if (isPublished && !round.hasOwnUpdate && draft.seenDelivered === round.round) {
    draft.seenDelivered = null;
    const message = `the checkpoint of round ${round.round} is gone from the folder; it is delivered again`;
    draft.events.push({ event: 'trouble', message });
  }
  draft.actions.push({ kind: 'publish', update: trained });
  if (!isOverwritten) return;
  // Once for each foreign version, so that two writers who both believe to be the owner do not fight for ever.
  draft.record = { ...draft.record, published: null, heededOverwrite: overwritten.version };
  draft.events.push({
    event: 'foreign-file',
    participant: name,
    account: overwritten.by,
    message: `${overwritten.by} wrote over the checkpoint of ${name} for round ${round.round}; it is delivered again`,
  });
}

function awaitNext(draft: ClientDraft, round: number): void {
  draft.awaited = {
    what: 'aggregate',
    message: `waiting for the aggregate of round ${round}`,
    untilMs: null,
  };
}

function startTraining(draft: ClientDraft, round: ObservedClientRound): void {
  if (round.final === true) {
    draft.awaited = {
      what: 'ending',
      message: 'the final model is here; waiting for the end',
      untilMs: null,
    };
    return;
  }
  if (!round.present) {
    draft.awaited = {
      what: 'aggregate',
      message: `waiting for the model that round ${round.round} starts from`,
      untilMs: null,
    };
    return;
  }
  draft.events.push({ event: 'round-started', round: round.round });
  draft.actions.push({ kind: 'train', round: round.round, source: round.source });
}
