import { unreachable } from '../../invariant.ts';
import type { Awaited } from './awaited.ts';
import { awaitedOf } from './awaited.ts';
import { collect, failure } from './collection.ts';
import type { FederationEvent } from './event.ts';
import { heedForeignFiles } from './foreign-files.ts';
import { judgePresence, markLost } from './presence.ts';
import { FINISHED_WORDS, STOPPED_BY_USER_TEXT } from './protocol-texts.ts';
import { answerClaims, closeRegistration } from './registration.ts';
import type { ServerAction } from './server-action.ts';
import type { ServerDraft, ServerInput } from './server-draft.ts';
import { draftOf, finishDraft } from './server-draft.ts';
import type { ServerResult } from './server-observation.ts';
import type { Ending, ServerState } from './server-state.ts';
import { roundOf } from './server-state.ts';

export interface ServerStep {
  readonly state: ServerState;
  readonly actions: readonly ServerAction[];
  readonly events: readonly FederationEvent[];
  /** When to look again even if nothing is heard. Units: monotonic milliseconds. */
  readonly wakeAtMs: number | null;
  readonly awaited: Awaited | null;
}

/**
 * The server's whole behaviour: state, one look at the folder, the time -> next state and what to do.
 *
 * Guarantees: pure; actions follow from state and observation alone and are repeated until their effect is seen,
 * so that a crash before, during or after any of them loses nothing and repeats nothing that counts.
 */
export function stepServer(state: ServerState, input: ServerInput): ServerStep {
  const draft = draftOf(state);
  if (draft.phase.kind !== 'ended') {
    judgePresence(draft, input, state.clocks.lastStepAtMs);
    if (input.observation.ended) acceptForeignEnd(draft);
    if (input.stop) stopRun(draft);
    heedForeignFiles(draft, input);
    answerClaims(draft, input);
    advance(draft, input);
    markLost(draft, input);
  }
  const wakeAtMs = draft.deadlinesMs.length === 0 ? null : Math.min(...draft.deadlinesMs);
  return {
    state: finishDraft(draft, input.instant),
    actions: draft.actions,
    events: draft.events,
    wakeAtMs,
    awaited: awaitedOf(draft, input),
  };
}

function stopRun(draft: ServerDraft): void {
  if (draft.phase.kind === 'finishing' || draft.phase.kind === 'ended') return;
  const ending: Ending = {
    kind: 'stopped',
    code: 'stopped-by-user',
    text: STOPPED_BY_USER_TEXT,
    finalRound: null,
    round: roundOf(draft.phase),
  };
  draft.phase = { kind: 'finishing', ending };
}

/** Somebody else wrote the end: the participants have gone, so the run is over. */
function acceptForeignEnd(draft: ServerDraft): void {
  if (draft.phase.kind === 'finishing' || draft.phase.kind === 'ended') return;
  const ending: Ending = {
    kind: 'stopped',
    code: 'ended-elsewhere',
    text: 'The run was ended by a server_ended.txt that this server did not write',
    finalRound: null,
    round: roundOf(draft.phase),
  };
  draft.phase = { kind: 'ended', ending };
}

function advance(draft: ServerDraft, input: ServerInput): void {
  const { phase } = draft;
  switch (phase.kind) {
    case 'registering':
      closeRegistration(draft, input);
      // What follows needs a look at the first round's folder.
      if (draft.phase.kind !== 'registering') draft.deadlinesMs.push(input.instant.monotonicMs);
      return;
    case 'collecting':
      collect(draft, input, phase.round);
      if (draft.phase.kind !== 'collecting') advance(draft, input);
      return;
    case 'aggregating':
      takeAggregate(draft, input, phase.round);
      if (draft.phase.kind === 'aggregating')
        draft.actions.push({ kind: 'aggregate', round: phase.round, inputs: phase.inputs });
      else draft.deadlinesMs.push(input.instant.monotonicMs);
      return;
    case 'finishing':
      finishRun(draft, input, phase.ending);
      return;
    case 'ended':
      return;
    default:
      unreachable(phase);
  }
}

function takeAggregate(draft: ServerDraft, input: ServerInput, round: number): void {
  for (const result of input.results) {
    if (result.kind === 'update-checked' || result.round !== round) continue;
    if (result.kind === 'aggregation-failed') {
      const text = `Training stopped: aggregating round ${round} failed: ${result.message}`;
      draft.phase = { kind: 'finishing', ending: failure(result.code, round, text) };
    } else {
      reportAggregate(draft, result);
      settle(draft, result);
      nextRound(draft, input, round);
    }
    return;
  }
}

function reportAggregate(draft: ServerDraft, result: Extract<ServerResult, { kind: 'aggregated' }>): void {
  const nameOf = (key: string) => draft.participants.get(key)?.name ?? key;
  const weights = Object.fromEntries(
    Object.entries(result.weights).map(([key, weight]) => [nameOf(key), weight]),
  );
  const refused = result.refused.map(({ key, reason }) => ({ participant: nameOf(key), reason }));
  draft.events.push({
    event: 'aggregated',
    round: result.round,
    weights,
    refused,
    metrics: result.metrics ?? {},
    notes: result.notes ?? [],
    seconds: result.seconds,
  });
}

/** Remember who has no part in a round: what these still deliver for it is late. */
function settle(draft: ServerDraft, { round, refused }: Extract<ServerResult, { kind: 'aggregated' }>): void {
  const keys = new Map<string, string>();
  for (const key of draft.participants.keys()) {
    const update = draft.updates.get(key);
    const isUsed = update?.status === 'valid' && !refused.some((each) => each.key === key);
    if (!isUsed) keys.set(key, update?.version ?? '');
  }
  if (keys.size > 0) draft.unsettled.set(String(round), keys);
}

function nextRound(draft: ServerDraft, input: ServerInput, round: number): void {
  draft.updates = new Map();
  draft.roundOpenedAtMs = null;
  if (round < input.settings.roundsCount) {
    draft.phase = { kind: 'collecting', round: round + 1 };
    return;
  }
  const ending: Ending = {
    kind: 'finished',
    code: 'finished',
    text: FINISHED_WORDS,
    finalRound: round + 1,
    round,
  };
  draft.phase = { kind: 'finishing', ending };
}

/** The end is written before the final model, so that no client takes that for another round to train. */
function finishRun(draft: ServerDraft, input: ServerInput, ending: Ending): void {
  if (!input.observation.ended) {
    draft.actions.push({ kind: 'write-ended', ending });
    return;
  }
  const { finalRound } = ending;
  if (finalRound !== null) {
    const observed = input.observation.round;
    if (observed === null || observed.round !== finalRound) {
      draft.deadlinesMs.push(input.instant.monotonicMs);
      return;
    }
    if (!observed.opened) {
      draft.actions.push({ kind: 'open-round', round: finalRound, final: true });
      return;
    }
  }
  draft.phase = { kind: 'ended', ending };
}
