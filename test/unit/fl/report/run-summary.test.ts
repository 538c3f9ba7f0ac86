import { expect, it } from 'vitest';
import { summariseHistory } from '../../../../src/fl/report/run-summary.ts';

it('tells who was lost and who left by its own word, round by round', () => {
  const lines = [
    { at: '2024-01-01T00:00:00Z', event: 'round-started', round: 1 },
    { at: '2024-01-01T00:00:01Z', event: 'participant-left', round: 1, participant: 'a' },
    { at: '2024-01-01T00:00:02Z', event: 'participant-lost', round: 1, participant: 'b' },
    {
      at: '2024-01-01T00:00:03Z',
      event: 'aggregated',
      round: 1,
      weights: { c: 1 },
      metrics: {},
      refused: [],
    },
  ].map((event) => JSON.stringify(event));
  expect(summariseHistory(lines)).toMatchObject([
    {
      round: 1,
      left_out: [
        { participant: 'a', reason: 'left' },
        { participant: 'b', reason: 'lost' },
      ],
    },
  ]);
});
