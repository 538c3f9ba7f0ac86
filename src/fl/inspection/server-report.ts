import { isOverdue, parseServerSign } from '../transport/server-sign.ts';
import type { Catalogue, RunFile } from './catalogue.ts';
import type { AbsenceReport, EndingReport, ServerReport } from './inspection.ts';
import type { Irregularities } from './irregularity.ts';
import type { RoundReading } from './rounds.ts';
import { statusAbsencesOf } from './side-texts.ts';

interface Surroundings {
  readonly catalogue: Catalogue;
  readonly readings: readonly RoundReading[];
  readonly ending: EndingReport;
  readonly nowMs: number;
  readonly irregularities: Irregularities;
}

/** Several files tell of one absence. */
export function mergedAbsences(all: readonly AbsenceReport[]): readonly AbsenceReport[] {
  const byBounds = new Map(all.map((absence) => [`${absence.fromMs} ${absence.toMs}`, absence]));
  return [...byBounds.values()].toSorted((left, right) => left.fromMs - right.fromMs);
}

/** Tell of a program's absences: a kill deserves a look, a stop explains. */
export function tellAbsences(
  who: string,
  absences: readonly AbsenceReport[],
  irregularities: Irregularities,
): void {
  for (const { fromMs, toMs, how } of absences) {
    const [from, to] = [fromMs, toMs].map((ms) => new Date(ms).toISOString().slice(0, 19).replace('T', ' '));
    if (how === 'killed')
      irregularities.add(
        'warning',
        'was-killed',
        '',
        `${who} was cut short and did not run from ${from} to ${to}`,
      );
    else
      irregularities.add(
        'note',
        'was-stopped',
        '',
        `${who} was stopped and did not run from ${from} to ${to}`,
      );
  }
}

/** Everything that only the server writes. */
function serverFiles({ status, ended, task, rounds }: Catalogue): readonly RunFile[] {
  const ofRounds = [...rounds.values()].flatMap(({ aggregate, noStartModel, serverMeta }) => [
    aggregate,
    noStartModel,
    serverMeta,
  ]);
  return [status, ended, task, ...ofRounds].filter((file) => file !== null);
}

/** What is known of the server's life. */
export function serverReport(surroundings: Surroundings): ServerReport {
  const { catalogue, readings, ending, nowMs, irregularities } = surroundings;
  const { status } = catalogue;
  const absences = mergedAbsences([
    ...readings.flatMap(({ server }) => server?.absences ?? []),
    ...statusAbsencesOf(status, irregularities),
  ]);
  tellAbsences('the server', absences, irregularities);
  const heardAtMs = serverFiles(catalogue).reduce((max, { atMs }) => Math.max(max, atMs), 0);
  const sign = parseServerSign(status?.text ?? undefined);
  if (ending.kind !== 'open' || sign === undefined)
    return { heardAtMs: heardAtMs === 0 ? null : heardAtMs, dueAtMs: null, awaited: [], absences };
  const dueAtMs = heardAtMs + Math.max(0, sign.nextDueAtMs - sign.writtenAtMs);
  if (isOverdue(dueAtMs, nowMs))
    irregularities.add(
      'warning',
      'server-silent',
      '',
      'the server should have shown by now that it runs: it may not',
    );
  const isOfRound = sign.round === (readings.at(-1)?.report.round ?? null);
  return { heardAtMs, dueAtMs, awaited: isOfRound ? sign.participants : [], absences };
}
