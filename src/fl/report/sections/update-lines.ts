import { printable } from '../../../printable.ts';
import type { Inspection, UpdateReport } from '../../inspection/inspection.ts';
import type { RoundLine } from '../round-lines-chart.ts';
import { PARTICIPANTS_MAX } from './section.ts';

/** More lines than this cannot be told apart. */
const LINES_MAX = 12;

/** The lines of some number of each update, the first participants first. */
export function updateLines(
  { rounds, participants }: Inspection,
  numberIn: (update: UpdateReport) => number | null,
) {
  const trained = rounds.filter(({ isFinal }) => !isFinal);
  const byRound = trained.map(
    ({ updates }) => new Map(updates.map((update) => [update.participant, update])),
  );
  const lines = participants.slice(0, PARTICIPANTS_MAX).map(({ name }): RoundLine => {
    const values = byRound.map((updates) => {
      const update = updates.get(name);
      return update === undefined ? null : numberIn(update);
    });
    return { name: printable(name), values };
  });
  const told = lines.filter(({ values }) => values.some((value) => value !== null));
  return { rounds: trained, lines: told.slice(0, LINES_MAX), total: told.length };
}
