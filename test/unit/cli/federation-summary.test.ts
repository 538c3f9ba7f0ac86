import { expect, it } from 'vitest';
import { summaryText } from '../../../src/cli/federation-summary.ts';
import { summariseHistory } from '../../../src/fl/report/run-summary.ts';

it('sums a run up for a person: rounds, weights, who was left out and why, mean metrics', () => {
  const at = '2026-01-02T03:04:05.000Z';
  const lines = [
    { at, event: 'round-started', round: 1, rounds: 1, participants: ['a', 'b', 'sick'] },
    {
      at,
      event: 'update-refused',
      round: 1,
      participant: 'sick',
      reason: 'not-finite',
      message: 'w holds NaN',
    },
    {
      at,
      event: 'aggregated',
      round: 1,
      weights: { a: 0.75, b: 0.25 },
      refused: [],
      metrics: { loss: 0.12345 },
      seconds: 2,
    },
  ].map((event) => JSON.stringify(event));
  const text = summaryText(summariseHistory(lines), false);
  for (const words of ['a 0.750', 'b 0.250', 'sick (not-finite)', 'loss', '0.1235'])
    expect(text).toContain(words);
  expect(summaryText([], false)).toBe('');
});
