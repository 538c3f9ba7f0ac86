import { readFile } from 'node:fs/promises';
import Table from 'cli-table3';
import { errnoOf } from '../errors.ts';
import { type RoundSummary, summariseHistory } from '../fl/report/run-summary.ts';

/** The rounds of a run as its history tells; none when there is no history. */
export async function readSummary(historyPath: string): Promise<readonly RoundSummary[]> {
  const text = await readFile(historyPath, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return '';
    throw error;
  });
  return summariseHistory(text.split('\n'));
}

const short = (value: number) => String(Number(value.toPrecision(4)));

/** A run's rounds as a table for a person; empty when no round began. */
export function summaryText(rounds: readonly RoundSummary[], colour: boolean): string {
  if (rounds.length === 0) return '';
  const metrics = [...new Set(rounds.flatMap((round) => Object.keys(round.metrics)))].sort();
  const table = new Table({
    head: ['round', 'seconds', 'weights', 'left out', ...metrics],
    style: colour ? {} : { head: [], border: [] },
    colAligns: ['right', 'right', 'left', 'left', ...metrics.map(() => 'right' as const)],
  });
  for (const round of rounds)
    table.push([
      String(round.round),
      round.seconds === null ? '-' : round.seconds.toFixed(1),
      Object.entries(round.weights)
        .map(([name, weight]) => `${name} ${weight.toFixed(3)}`)
        .join('\n') || '-',
      round.left_out.map(({ participant, reason }) => `${participant} (${reason})`).join('\n') || '-',
      ...metrics.map((name) => {
        const value = round.metrics[name];
        return value === undefined ? '-' : short(value);
      }),
    ]);
  return table.toString();
}
