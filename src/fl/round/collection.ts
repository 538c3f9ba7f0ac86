import type { ServerDraft, ServerInput } from './server-draft.ts';
import { activeOf, mayActFor, reportForeign } from './server-draft.ts';
import type { ObservedRound, ObservedUpdate, ServerResult } from './server-observation.ts';
import type { Ending } from './server-state.ts';

/** An ending that leaves the last good model where it is. */
export function failure(code: string, round: number, text: string): Ending {
  return { kind: 'failed', code, text, finalRound: null, round };
}

/** Forget what is no longer as it was looked at, and ask for a look at what is new. */
function lookAtUpdate(draft: ServerDraft, round: number, update: ObservedUpdate): void {
  const participant = draft.participants.get(update.key);
  if (participant === undefined) {
    reportForeign(draft, 'a checkpoint', update.key, update.modifiedBy);
    return;
  }
  if (!mayActFor(participant, update.modifiedBy)) {
    reportForeign(draft, 'the checkpoint', participant.name, update.modifiedBy);
    draft.updates.delete(update.key);
    return;
  }
  if (!update.present || draft.updates.get(update.key)?.version === update.version) return;
  draft.updates.delete(update.key);
  draft.actions.push({
    kind: 'check-update',
    round,
    key: update.key,
    name: participant.name,
    version: update.version,
  });
}

/** Take in what the checks of updates found. */
export function recordChecks(
  draft: ServerDraft,
  results: readonly ServerResult[],
  round: ObservedRound,
): void {
  const present = new Map(round.updates.map((update) => [update.key, update.version]));
  for (const result of results) {
    // A result about content that was replaced meanwhile is stale: the new content is looked at anew.
    if (result.kind !== 'update-checked' || result.round !== round.round) continue;
    const participant = draft.participants.get(result.key);
    if (participant === undefined || present.get(result.key) !== result.version) continue;
    const { version, sha256, samples, metrics, sizeBytes, problem } = result;
    draft.updates.set(result.key, {
      version,
      status: problem === null ? 'valid' : 'refused',
      ...(sha256 === undefined ? {} : { sha256 }),
      samples,
      metrics,
      sizeBytes,
      reason: problem?.reason ?? '',
    });
    const about = { round: round.round, participant: participant.name };
    draft.events.push(
      problem === null
        ? { event: 'update-received', ...about, samples, metrics, size_bytes: sizeBytes }
        : { event: 'update-refused', ...about, ...problem },
    );
  }
}

/** A participant that reported a failed training has nothing to deliver, unless a checkpoint follows. */
function recordFailures(draft: ServerDraft, round: ObservedRound): void {
  const delivered = new Set(round.updates.map(({ key }) => key));
  for (const { key, version, modifiedBy } of round.failures) {
    const participant = draft.participants.get(key);
    if (participant === undefined || delivered.has(key) || !mayActFor(participant, modifiedBy)) continue;
    if (draft.updates.get(key)?.version === version) continue;
    const reason = 'training-failed';
    draft.updates.set(key, { version, status: 'refused', samples: null, metrics: {}, sizeBytes: 0, reason });
    draft.events.push({
      event: 'update-refused',
      round: round.round,
      participant: participant.name,
      reason,
      message: `${participant.name} reported that its training failed`,
    });
  }
}

/** Say once, of each checkpoint for a round that was closed, that it came too late. */
function reportLate(draft: ServerDraft, { round, updates }: ObservedRound): void {
  const keys = draft.unsettled.get(String(round));
  for (const { key, version, modifiedBy } of updates) {
    const participant = draft.participants.get(key);
    if (participant === undefined || keys?.has(key) !== true || keys.get(key) === version) continue;
    if (!mayActFor(participant, modifiedBy)) {
      reportForeign(draft, 'the checkpoint', participant.name, modifiedBy);
      continue;
    }
    keys.delete(key);
    draft.events.push({
      event: 'update-late',
      round,
      participant: participant.name,
      reason: 'round-closed',
      message: `the checkpoint of ${participant.name} for round ${round} came after the round was closed and is ignored`,
    });
  }
  if (keys?.size === 0) draft.unsettled.delete(String(round));
}

interface Readiness {
  readonly ready: boolean;
  /** Names of the active participants that have not delivered. */
  readonly missing: readonly string[];
}

/** Whether the round can close: judged participant by participant, never by counting files. */
export function judgeReadiness(draft: ServerDraft, input: ServerInput): Readiness {
  const { stragglers } = input.settings;
  const active = activeOf(draft);
  const missing = active.filter(([key]) => !draft.updates.has(key)).map(([, { name }]) => name);
  const valid = [...draft.updates.values()].filter(({ status }) => status === 'valid').length;
  if (valid < stragglers.minimumUpdates) return { ready: false, missing };
  if (missing.length === 0) return { ready: true, missing };
  if (stragglers.share < 1 && valid >= Math.ceil(stragglers.share * active.length))
    return { ready: true, missing };
  if (stragglers.deadlineMs === null || draft.roundOpenedAtMs === null) return { ready: false, missing };
  const deadlineMs = draft.roundOpenedAtMs + stragglers.deadlineMs;
  if (input.instant.monotonicMs >= deadlineMs) return { ready: true, missing };
  draft.deadlinesMs.push(deadlineMs);
  return { ready: false, missing };
}

/** When nobody active is left to bring the round further, wait for somebody to come back, then give up. */
function giveUpWhenStuck(draft: ServerDraft, input: ServerInput, round: number): void {
  const now = input.instant.monotonicMs;
  draft.stuckSinceMs ??= now;
  const deadlineMs = draft.stuckSinceMs + input.settings.heartbeatTimeoutMs;
  if (now < deadlineMs) {
    draft.deadlinesMs.push(deadlineMs);
    return;
  }
  const nobody = activeOf(draft).length === 0;
  const ending = nobody
    ? failure('nobody-left', round, `Training stopped: no participant is left in round ${round}`)
    : failure('too-few-updates', round, `Training stopped: too few usable checkpoints in round ${round}`);
  draft.phase = { kind: 'finishing', ending };
}

/** Whether the round was open and somebody else wrote over its model: it goes on while the server's is put back. */
function isBeingRestored(draft: ServerDraft, { observation }: ServerInput): boolean {
  const isForeign = observation.foreign?.some(({ remedy }) => remedy?.kind === 'round') === true;
  return draft.roundOpenedAtMs !== null && isForeign;
}

/** One look at the round that is being collected. */
export function collect(draft: ServerDraft, input: ServerInput, round: number): void {
  const observed = input.observation.round;
  // The look was for an earlier phase; the next one is for this.
  if (observed === null || observed.round !== round) {
    draft.deadlinesMs.push(input.instant.monotonicMs);
    return;
  }
  if (!observed.opened && !isBeingRestored(draft, input)) {
    draft.roundOpenedAtMs = null;
    draft.actions.push({ kind: 'open-round', round, final: false });
    return;
  }
  if (draft.roundOpenedAtMs === null) {
    draft.roundOpenedAtMs = input.instant.monotonicMs;
    draft.events.push({
      event: 'round-started',
      round,
      rounds: input.settings.roundsCount,
      participants: activeOf(draft).map(([, { name }]) => name),
    });
  }
  for (const closed of input.observation.closed) reportLate(draft, closed);
  const here = new Set([...observed.updates, ...observed.failures].map(({ key }) => key));
  for (const key of draft.updates.keys()) if (!here.has(key)) draft.updates.delete(key);
  recordChecks(draft, input.results, observed);
  recordFailures(draft, observed);
  for (const update of observed.updates) lookAtUpdate(draft, round, update);
  const { ready, missing } = judgeReadiness(draft, input);
  if (ready) closeRound(draft, round);
  else if (missing.length === 0) giveUpWhenStuck(draft, input, round);
  else draft.stuckSinceMs = null;
}

function closeRound(draft: ServerDraft, round: number): void {
  draft.stuckSinceMs = null;
  const inputs = [...draft.updates]
    .filter(([, { status }]) => status === 'valid')
    .map(([key, { version, sha256, samples }]) => ({
      key,
      version,
      ...(sha256 === undefined ? {} : { sha256 }),
      samples,
    }))
    .sort((left, right) => (left.key < right.key ? -1 : 1));
  draft.phase = { kind: 'aggregating', round, inputs };
}
