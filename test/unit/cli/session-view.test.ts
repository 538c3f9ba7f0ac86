import { expect, it } from 'vitest';
import type { Output } from '../../../src/cli/output.ts';
import { sessionView } from '../../../src/cli/session-view.ts';

function linesOf(
  events: readonly (readonly [site: string, event: { event: string; [key: string]: unknown }])[],
) {
  const lines: string[] = [];
  const output: Output = {
    json: false,
    interactive: false,
    colour: false,
    result() {},
    redrawn() {},
    document() {},
    note: (words) => void lines.push(...[words].flat()),
  };
  const view = sessionView(
    output,
    { sites: ['server', 'tester1', 'tester2'], rounds: 1, samples: 'digits' },
    false,
  );
  for (const [site, event] of events) view.event(site, event);
  view.close();
  return lines;
}

it('tells a pipe what begins and what is done, once each, and no percentages', () => {
  expect(
    linesOf([
      ['server', { event: 'round-started', round: 1 }],
      ['tester1', { event: 'round-started', round: 1 }],
      ['tester1', { event: 'training', round: 1, fraction: 0.5 }],
      ['tester1', { event: 'trained', round: 1, samples: 6000, seconds: 1.25, metrics: { loss: 0.123456 } }],
      ['server', { event: 'aggregated', round: 1 }],
      ['server', { event: 'ended', success: true, message: 'Training finished' }],
    ]),
  ).toEqual([
    'server: round 1 begins',
    'tester1: round 1 trained on 6000 digits in 1.3 s: loss 0.1235',
    'server: round 1 aggregated',
    'server: ended, Training finished',
  ]);
});

it('tells of trouble, and does not stumble over events that it does not know', () => {
  expect(
    linesOf([
      ['tester2', { event: 'training-failed', round: 2, message: 'no digits' }],
      ['server', { event: 'participant-lost', round: 2, participant: 'tester1' }],
      ['server', { event: 'something-new' }],
    ]),
  ).toEqual(['tester2: round 2: training-failed no digits', 'server: round 2: participant-lost tester1']);
});
