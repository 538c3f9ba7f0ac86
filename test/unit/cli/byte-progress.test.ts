import { expect, it } from 'vitest';
import { byteProgress } from '../../../src/cli/byte-progress.ts';
import type { Output } from '../../../src/cli/output.ts';
import type { Clock } from '../../../src/clock.ts';

function pipe() {
  const lines: string[] = [];
  let nowMs = 0;
  const clock = { monotonic: () => nowMs } as Clock;
  const output = { interactive: false, note: (text: string) => lines.push(text) } as unknown as Output;
  return { lines, clock, output, pass: (ms: number) => (nowMs += ms) };
}

it('tells bytes and the time left on a pipe, a line every few seconds', () => {
  const { lines, clock, output, pass } = pipe();
  const progress = byteProgress('aggregating', output, { quiet: false, clock });
  pass(1000);
  progress.update(100e6, 1000e6);
  expect(lines).toEqual([]);
  pass(4000);
  progress.update(500e6, 1000e6);
  pass(100);
  progress.update(510e6, 1000e6);
  expect(lines).toEqual(['aggregating: 500 of 1000 MB, 5 s left']);
});

it('is silent when asked to be', () => {
  const { lines, clock, output, pass } = pipe();
  const progress = byteProgress('aggregating', output, { quiet: true, clock });
  pass(60_000);
  progress.update(1, 2);
  expect(lines).toEqual([]);
});
