import type { AbsenceReport, Activity, RoundReport, Span, UpdateReport } from './inspection.ts';
import type { Member } from './participants.ts';
import type { UpdateNote } from './side-texts.ts';

/** One participant's part in one round. */
export interface OwnRound {
  readonly round: RoundReport;
  readonly update: UpdateReport;
  /** What stands beside its update; undefined when nothing does, or nothing that can be understood. */
  readonly note: UpdateNote | undefined;
}

/** Units: milliseconds since 1970. */
export interface SpanBounds {
  /** When the first round began. */
  readonly firstMs: number;
  /** When the run's last sign of life was. */
  readonly untilMs: number;
  /** A participant that was not heard for longer than this may not run. */
  readonly silenceMaxMs: number;
}

/** Between what a client says and what its files' times tell may lie so much. Units: milliseconds. */
const GAP_MAX_MS = 1_000;

/** A round that is still open: training as long as somebody beats, and nobody knows what from then on. */
function openRound(
  { round }: OwnRound,
  heartbeat: Member['heartbeat'],
  { untilMs, silenceMaxMs }: SpanBounds,
): readonly Span[] {
  const fromMs = round.startedAtMs ?? untilMs;
  const toMs = round.closedAtMs ?? untilMs;
  const span = (activity: Activity, from: number, to: number): Span => ({
    activity,
    round: round.round,
    fromMs: from,
    toMs: to,
    estimated: true,
  });
  const heardMs = heartbeat === null ? toMs : Math.max(fromMs, heartbeat.lastAtMs);
  if (toMs - heardMs <= silenceMaxMs) return [span('training', fromMs, toMs)];
  return [span('training', fromMs, heardMs), span('unknown', heardMs, toMs)];
}

/** One participant's round, cut into what it was doing. */
function spansOfRound(own: OwnRound, heartbeat: Member['heartbeat'], bounds: SpanBounds): readonly Span[] {
  const { round, update, note } = own;
  const { startedAtMs: fromMs, closedAtMs } = round;
  if (fromMs === null) return [];
  const { deliveredAtMs, trainingMs, transferMs } = update;
  if (deliveredAtMs === null) return openRound(own, heartbeat, bounds);
  const span = (activity: Activity, from: number, to: number, estimated = false): Span => ({
    activity,
    round: round.round,
    fromMs: from,
    toMs: to,
    estimated,
  });
  const waiting = span('waiting', deliveredAtMs, closedAtMs ?? bounds.untilMs);
  if (transferMs === null || trainingMs === null)
    return [span('training', fromMs, deliveredAtMs, true), waiting];
  const trained = Math.max(fromMs, deliveredAtMs - transferMs);
  const began = Math.max(fromMs, trained - trainingMs);
  return [
    ...beforeTraining(note, fromMs, began).map(([activity, from, to]) => span(activity, from, to)),
    span('training', began, trained),
    span('uploading', trained, deliveredAtMs),
    waiting,
  ];
}

/** From the round's begin to the training that brought the update: what the client says of it, or nothing for sure. */
function beforeTraining(
  note: UpdateNote | undefined,
  fromMs: number,
  beganMs: number,
): readonly (readonly [Activity, number, number])[] {
  if (note === undefined || note.received_at === null) return [['unknown', fromMs, beganMs]];
  const receivedMs = Math.min(Math.max(note.received_at, fromMs), beganMs);
  const parts: [Activity, number, number][] = [['receiving', fromMs, receivedMs]];
  let knownMs = receivedMs;
  const notKnownUntil = (ms: number) => {
    if (ms - knownMs > GAP_MAX_MS) parts.push(['unknown', knownMs, ms]);
    knownMs = Math.max(knownMs, ms);
  };
  // The last attempt is the training itself.
  for (const attempt of note.attempts.slice(0, -1)) {
    notKnownUntil(Math.min(attempt.fromMs, beganMs));
    parts.push(['training', knownMs, Math.min(attempt.toMs, beganMs)]);
    knownMs = Math.max(knownMs, Math.min(attempt.toMs, beganMs));
  }
  notKnownUntil(beganMs);
  return parts;
}

/** Clocks of several machines may disagree: what comes later begins where the earlier one ends. */
function withoutOverlap(spans: readonly Span[], lostAtMs: number): readonly Span[] {
  const kept: Span[] = [];
  for (const span of spans) {
    const fromMs = Math.max(span.fromMs, kept.at(-1)?.toMs ?? Number.NEGATIVE_INFINITY);
    const toMs = span.activity === 'lost' ? span.toMs : Math.min(span.toMs, lostAtMs);
    if (toMs > fromMs) kept.push({ ...span, fromMs, toMs });
  }
  return kept;
}

/** What the participant says of its absences goes over what was concluded from the others' files. */
function withAbsences(spans: readonly Span[], absences: readonly AbsenceReport[]): readonly Span[] {
  let left = spans;
  for (const { fromMs, toMs } of absences)
    left = left.flatMap((span) => {
      if (span.activity === 'lost' || span.toMs <= fromMs || span.fromMs >= toMs) return [span];
      const [from, to] = [Math.max(span.fromMs, fromMs), Math.min(span.toMs, toMs)];
      return [
        { ...span, toMs: from },
        { ...span, activity: 'absent' as const, fromMs: from, toMs: to, estimated: false },
        { ...span, fromMs: to },
      ].filter((part) => part.toMs > part.fromMs);
    });
  return left;
}

/**
 * What a participant was doing when, from its admission to the end.
 *
 * Guarantees: spans are in order, do not overlap and are not empty.
 */
export function spansOf(
  member: Member,
  own: readonly OwnRound[],
  { bounds, absences }: { readonly bounds: SpanBounds; readonly absences: readonly AbsenceReport[] },
): readonly Span[] {
  const { firstMs, untilMs } = bounds;
  const { admission, answeredAtMs, heartbeat, lost } = member;
  const spans: Span[] = [];
  if (admission === 'admitted' && answeredAtMs !== null)
    spans.push({
      activity: 'waiting',
      round: null,
      fromMs: answeredAtMs,
      toMs: firstMs,
      estimated: false,
    });
  for (const each of own) spans.push(...spansOfRound(each, heartbeat, bounds));
  if (lost !== null)
    spans.push({ activity: 'lost', round: lost.round, fromMs: lost.atMs, toMs: untilMs, estimated: false });
  return withAbsences(withoutOverlap(spans, Math.min(lost?.atMs ?? untilMs, untilMs)), absences);
}
