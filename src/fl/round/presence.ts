import { participantKey } from './run-folder.ts';
import type { ServerDraft, ServerInput } from './server-draft.ts';
import { displayRound, mayActFor, reportForeign } from './server-draft.ts';
import type { Participant } from './server-state.ts';

/** A pause of the server itself, below which silence is still counted. Units: milliseconds. */
const OWN_PAUSE_MIN_MS = 5_000;

/** How long the server may not have looked before everybody's clock starts again. */
export function ownPauseLimitMs(heartbeatTimeoutMs: number): number {
  return Math.max(OWN_PAUSE_MIN_MS, heartbeatTimeoutMs / 4);
}

/** Time in which the server did not look, or could not have seen anything, is nobody's silence. */
function restartClocks(draft: ServerDraft, input: ServerInput, pauseMs: number): void {
  const now = input.instant.monotonicMs;
  for (const [key, presence] of draft.presence) draft.presence.set(key, { ...presence, seenAtMs: now });
  draft.lastRegistrationAtMs += pauseMs;
  if (draft.roundOpenedAtMs !== null) draft.roundOpenedAtMs += pauseMs;
  if (draft.stuckSinceMs !== null) draft.stuckSinceMs += pauseMs;
}

/** What changes whenever a participant shows life: its heartbeat file, and its update's. */
function lifeSigns(draft: ServerDraft, input: ServerInput): Map<string, string> {
  const signs = new Map<string, string>();
  for (const heartbeat of input.observation.heartbeats) {
    const key = participantKey(heartbeat.name);
    const participant = draft.participants.get(key);
    // A file that belongs to nobody registered (a refused client goes on writing) means nothing.
    if (participant === undefined) continue;
    if (mayActFor(participant, heartbeat.modifiedBy)) signs.set(key, heartbeat.version);
    else reportForeign(draft, 'the heartbeat', participant.name, heartbeat.modifiedBy);
  }
  for (const update of input.observation.round?.updates ?? []) {
    const participant = draft.participants.get(update.key);
    if (participant !== undefined && mayActFor(participant, update.modifiedBy))
      signs.set(update.key, `${signs.get(update.key) ?? ''} ${update.version}`);
  }
  return signs;
}

function welcomeBack(draft: ServerDraft, key: string, participant: Participant): void {
  if (participant.status === 'active') return;
  draft.participants.set(key, { ...participant, status: 'active' });
  draft.events.push({
    event: 'participant-back',
    participant: participant.name,
    round: displayRound(draft.phase),
  });
}

/** Who has said that it leaves, and may say so. */
function departedKeys(draft: ServerDraft, input: ServerInput): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { name, modifiedBy } of input.observation.departures) {
    const participant = draft.participants.get(participantKey(name));
    if (participant === undefined) continue;
    if (mayActFor(participant, modifiedBy)) keys.add(participantKey(name));
    else reportForeign(draft, 'the departure', participant.name, modifiedBy);
  }
  return keys;
}

function lose(
  draft: ServerDraft,
  key: string,
  participant: Participant,
  event: 'participant-lost' | 'participant-left',
): void {
  const round = displayRound(draft.phase);
  draft.participants.set(key, { ...participant, status: 'lost', lostInRound: round });
  draft.events.push({ event, participant: participant.name, round });
}

function judgeOne(
  draft: ServerDraft,
  { instant, settings }: ServerInput,
  key: string,
  participant: Participant,
  version: string,
): void {
  const known = draft.presence.get(key);
  if (known === undefined || known.version !== version) {
    draft.presence.set(key, { version, seenAtMs: instant.monotonicMs });
    // The first look after a restart only learns what stands there; it says nothing of when it came.
    if (known !== undefined && version !== '' && settings.rejoin) welcomeBack(draft, key, participant);
    return;
  }
  if (participant.status === 'lost') return;
  const deadlineMs = known.seenAtMs + settings.heartbeatTimeoutMs;
  if (instant.monotonicMs > deadlineMs) lose(draft, key, participant, 'participant-lost');
  else draft.deadlinesMs.push(deadlineMs + 1);
}

/**
 * Judge who is there: by changes that this server observed, on its own monotonic clock.
 *
 * Guarantees: no other machine's clock matters; a pause or an outage of the server cuts nobody; the newest sign
 * of life is read before anybody is judged.
 */
export function judgePresence(draft: ServerDraft, input: ServerInput, lastStepAtMs: number): void {
  const { instant, settings, observation } = input;
  const pauseMs = instant.monotonicMs - lastStepAtMs;
  if (!observation.connected || pauseMs > ownPauseLimitMs(settings.heartbeatTimeoutMs))
    restartClocks(draft, input, Math.max(0, pauseMs));
  const signs = lifeSigns(draft, input);
  const departed = departedKeys(draft, input);
  for (const [key, participant] of draft.participants) {
    const version = signs.get(key) ?? '';
    if (!departed.has(key)) {
      judgeOne(draft, input, key, participant, version);
      continue;
    }
    // Until the word is taken back, a heartbeat that was still on its way means nothing.
    draft.presence.set(key, { version, seenAtMs: instant.monotonicMs });
    if (participant.status === 'active') lose(draft, key, participant, 'participant-left');
  }
}

/** Make the lost marks in the folder agree with who is lost. */
export function markLost(draft: ServerDraft, input: ServerInput): void {
  const marked = new Set(input.observation.lostMarks);
  for (const participant of draft.participants.values()) {
    const isMarked = marked.has(participant.name);
    if (participant.status === 'lost' && !isMarked)
      draft.actions.push({ kind: 'mark-lost', name: participant.name, round: participant.lostInRound ?? 1 });
    if (participant.status === 'active' && isMarked)
      draft.actions.push({ kind: 'unmark-lost', name: participant.name });
  }
}
