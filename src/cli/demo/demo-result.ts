import type { RoundAccuracy } from '../../fl/report/accuracy-chart.ts';
import { printable } from '../../printable.ts';
import { textTable } from '../../text-table.ts';
import type { ApiCalls } from './administrator.ts';

/** Everything that a demo found out. */
export interface DemoResult {
  readonly rounds: readonly RoundAccuracy[];
  readonly runFolder: string;
  readonly finalModel: string;
  readonly report: string;
  readonly apiCalls: ApiCalls;
  readonly seconds: number;
}

/** The result as `--json` promises it. */
export function demoDocument(result: DemoResult): unknown {
  const { apiCalls } = result;
  return {
    rounds: result.rounds,
    run_folder: result.runFolder,
    final_model: result.finalModel,
    report: result.report,
    api_calls: { total: apiCalls.total, by_user: apiCalls.byUser, by_endpoint: apiCalls.byEndpoint },
    seconds: Math.round(result.seconds * 10) / 10,
  };
}

const percent = (share: number | undefined) => (share === undefined ? '–' : `${(share * 100).toFixed(2)} %`);

/** API calls in words. */
export function callsText({ total, byUser }: ApiCalls): string {
  const users = Object.entries(byUser).map(([user, calls]) => `${user} ${calls}`);
  return `${total} (${users.join(', ')})`;
}

/** The result as a person reads it. */
export function demoText(result: DemoResult, colour: boolean): string {
  const names = Object.keys(result.rounds[0]?.clients ?? {});
  const head = ['round', ...names, 'aggregate'];
  const table = textTable({
    head,
    right: head.map((_, index) => index),
    rows: result.rounds.map(({ round, aggregate, clients }) => [
      round,
      ...names.map((name) => percent(clients[name])),
      percent(aggregate),
    ]),
    colour,
  });
  return [
    "Accuracy on 10,000 digits that nobody trained on (each client's own model, and the aggregate):",
    table,
    `run folder   ${printable(result.runFolder)}`,
    `final model  ${printable(result.finalModel)}`,
    `report       ${printable(result.report)}`,
    ...(result.apiCalls.total > 0 ? [`API calls    ${printable(callsText(result.apiCalls))}`] : []),
    `took         ${result.seconds.toFixed(1)} s`,
  ].join('\n');
}
