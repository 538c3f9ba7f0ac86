import type { ServerDraft, ServerInput } from './server-draft.ts';
import { activeOf } from './server-draft.ts';

/** What the server waits for, from whom, and until when. */
export interface Awaited {
  readonly what: 'registration' | 'updates' | 'aggregation' | 'folder';
  readonly participants: readonly string[];
  /** Units: monotonic milliseconds; null when only the others' doing ends it. */
  readonly untilMs: number | null;
  /** One line for a person. */
  readonly message: string;
}

const listed = (names: readonly string[]) => names.join(', ');

function awaitedRegistration(draft: ServerDraft, { settings }: ServerInput): Awaited {
  const names = activeOf(draft).map(([, { name }]) => name);
  const { minimumClients, maximumClients, clientWaitTimeMs } = settings;
  const who = names.length === 0 ? '' : ` (${listed(names)})`;
  if (names.length < minimumClients)
    return {
      what: 'registration',
      participants: [],
      untilMs: null,
      message: `waiting for participants: ${names.length} of at least ${minimumClients} registered${who}`,
    };
  return {
    what: 'registration',
    participants: [],
    untilMs: draft.lastRegistrationAtMs + clientWaitTimeMs,
    message: `${names.length} of at most ${maximumClients} registered${who}; waiting whether more come`,
  };
}

function awaitedUpdates(draft: ServerDraft, input: ServerInput, round: number, openedAtMs: number): Awaited {
  const { stragglers, heartbeatTimeoutMs } = input.settings;
  const active = activeOf(draft);
  const missing = active.filter(([key]) => !draft.updates.has(key)).map(([, { name }]) => name);
  const about = { what: 'updates', participants: missing } as const;
  if (missing.length === 0)
    return {
      ...about,
      untilMs: draft.stuckSinceMs === null ? null : draft.stuckSinceMs + heartbeatTimeoutMs,
      message: `round ${round} has too few usable checkpoints; waiting for somebody to come back or to deliver again`,
    };
  const progress = `round ${round}: ${active.length - missing.length} of ${active.length} delivered; waiting for ${listed(missing)}`;
  const untilMs = stragglers.deadlineMs === null ? null : openedAtMs + stragglers.deadlineMs;
  if (untilMs !== null && input.instant.monotonicMs >= untilMs)
    return {
      ...about,
      untilMs: null,
      message: `${progress}; the deadline has passed, the round closes with ${stragglers.minimumUpdates} usable checkpoints`,
    };
  // Said once: with the first wait of the run.
  const isFirst = round === 1 && missing.length === active.length;
  const silence = isFirst ? `; who is silent for ${heartbeatTimeoutMs / 1000} s counts as lost` : '';
  const share =
    stragglers.share < 1 ? `; the round closes when ${Math.round(stragglers.share * 100)} % have` : '';
  return {
    ...about,
    untilMs,
    message: `${progress}${share}${untilMs === null ? silence : ''}`,
  };
}

/** What is awaited after a step; null once the run has ended. */
export function awaitedOf(draft: ServerDraft, input: ServerInput): Awaited | null {
  const { phase } = draft;
  switch (phase.kind) {
    case 'registering':
      return awaitedRegistration(draft, input);
    case 'collecting':
      return draft.roundOpenedAtMs === null
        ? { what: 'folder', participants: [], untilMs: null, message: `opening round ${phase.round}` }
        : awaitedUpdates(draft, input, phase.round, draft.roundOpenedAtMs);
    case 'aggregating':
      return {
        what: 'aggregation',
        participants: [],
        untilMs: null,
        message: `aggregating round ${phase.round}`,
      };
    case 'finishing':
      return { what: 'folder', participants: [], untilMs: null, message: 'writing the end of the run' };
    case 'ended':
      return null;
  }
}
