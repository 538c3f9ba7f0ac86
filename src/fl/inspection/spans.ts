import type { RoundReport, Span, UpdateReport } from './inspection.ts';
import type { Member } from './participants.ts';

/** One participant's part in one round. */
export interface OwnRound {
  readonly round: RoundReport;
  readonly update: UpdateReport;
}

/** Units: milliseconds since 1970. */
export interface SpanBounds {
  /** When the first round began. */
  readonly firstMs: number;
  /** When the run's last sign of life was. */
  readonly untilMs: number;
}

/** One participant's round, cut into what it was doing. */
function spansOfRound({ round, update }: OwnRound, untilMs: number): readonly Span[] {
  const { startedAtMs: fromMs, closedAtMs } = round;
  if (fromMs === null) return [];
  const toMs = closedAtMs ?? untilMs;
  const about = { round: round.round };
  const { deliveredAtMs, trainingMs, transferMs } = update;
  if (deliveredAtMs === null) return [{ ...about, activity: 'training', fromMs, toMs, estimated: true }];
  const waiting: Span = { ...about, activity: 'waiting', fromMs: deliveredAtMs, toMs, estimated: false };
  if (transferMs === null || trainingMs === null)
    return [{ ...about, activity: 'training', fromMs, toMs: deliveredAtMs, estimated: true }, waiting];
  const trained = Math.max(fromMs, deliveredAtMs - transferMs);
  const began = Math.max(fromMs, trained - trainingMs);
  return [
    { ...about, activity: 'receiving', fromMs, toMs: began, estimated: false },
    { ...about, activity: 'training', fromMs: began, toMs: trained, estimated: false },
    { ...about, activity: 'uploading', fromMs: trained, toMs: deliveredAtMs, estimated: false },
    waiting,
  ];
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

/**
 * What a participant was doing when, from its admission to the end.
 *
 * Guarantees: spans are in order, do not overlap and are not empty.
 */
export function spansOf(member: Member, own: readonly OwnRound[], bounds: SpanBounds): readonly Span[] {
  const { firstMs, untilMs } = bounds;
  const { admission, answeredAtMs, lost } = member;
  const spans: Span[] = [];
  if (admission === 'admitted' && answeredAtMs !== null)
    spans.push({
      activity: 'waiting',
      round: null,
      fromMs: answeredAtMs,
      toMs: firstMs,
      estimated: false,
    });
  for (const each of own) spans.push(...spansOfRound(each, untilMs));
  if (lost !== null)
    spans.push({ activity: 'lost', round: lost.round, fromMs: lost.atMs, toMs: untilMs, estimated: false });
  return withoutOverlap(spans, Math.min(lost?.atMs ?? untilMs, untilMs));
}
