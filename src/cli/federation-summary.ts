import { readFile } from 'node:fs/promises';
import { errnoOf } from '../errors.ts';
import { type RoundSummary, summariseHistory } from '../fl/report/run-summary.ts';
import { textTable } from '../text-table.ts';

/** The rounds of a run as its history tells; none when there is no history. */
export async function readSummary(historyPath: string): Promise<readonly RoundSummary[]> {
  const text = await readFile(historyPath, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  });
  return summariseHistory(text.split('\n'));
}

const short = (value: number) => String(Number(value.toPrecision(4)));

const orDash = (lines: readonly string[]) => (lines.length === 0 ? '-' : lines);

/** A run's rounds as a table for a person; empty when no round began. */
export function summaryText(rounds: readonly RoundSummary[], colour: boolean): string {
  if (rounds.length === 0) return '';
  const metrics = [...new Set(rounds.flatMap((round) => Object.keys(round.metrics)))].sort();
  return textTable({
    head: ['round', 'seconds', 'weights', 'left out', ...metrics],
    right: [0, 1, ...metrics.map((_, index) => 4 + index)],
    rows: rounds.map((round) => [
      round.round,
      round.seconds === null ? '-' : round.seconds.toFixed(1),
      orDash(Object.entries(round.weights).map(([name, weight]) => `${name} ${weight.toFixed(3)}`)),
      orDash(round.left_out.map(({ participant, reason }) => `${participant} (${reason})`)),
      ...metrics.map((name) => {
        const value = round.metrics[name];
        return value === undefined ? '-' : short(value);
      }),
    ]),
    colour,
  });
}
