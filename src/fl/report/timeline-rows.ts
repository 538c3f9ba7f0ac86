import type { Inspection, Span } from '../inspection/inspection.ts';

/** What somebody was doing when, under its name. */
export interface TimelineRow {
  readonly name: string;
  readonly spans: readonly Span[];
}

/** No participant can have this name: it is no file name of the protocol. */
const SERVER = '(server)';

/** The server from the run's begin to its last sign of life; undefined where nothing tells that it ever was away. */
function serverRow({ server, startedAtMs, lastActivityAtMs }: Inspection): TimelineRow | undefined {
  const absences = server.absences.filter(({ fromMs, toMs }) => toMs > fromMs);
  if (absences.length === 0 || startedAtMs === null || lastActivityAtMs === null) return undefined;
  const spans: Span[] = [];
  let fromMs = startedAtMs;
  const until = (activity: Span['activity'], endMs: number) => {
    const toMs = Math.min(endMs, lastActivityAtMs);
    if (toMs > fromMs) spans.push({ activity, round: null, fromMs, toMs, estimated: false });
    fromMs = Math.max(fromMs, toMs);
  };
  for (const absence of absences) {
    until('waiting', absence.fromMs);
    until('absent', absence.toMs);
  }
  until('waiting', lastActivityAtMs);
  return { name: SERVER, spans };
}

/** The rows of a run's timeline: every participant that is known to have done anything, and a server that was away. */
export function timelineRows(inspection: Inspection): readonly TimelineRow[] {
  const server = serverRow(inspection);
  const participants = inspection.participants.filter(({ spans }) => spans.length > 0);
  return server === undefined ? participants : [server, ...participants];
}
