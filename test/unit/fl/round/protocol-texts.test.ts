import { expect, it } from 'vitest';
import { endedText, endingWords, FINISHED_WORDS } from '../../../../src/fl/round/protocol-texts.ts';

it('shows the words of an ending without the seconds that stand behind them', () => {
  expect(endingWords(endedText(FINISHED_WORDS, 1_795_824_529_943))).toBe('Training finished');
  expect(endingWords('Training finished 1673943293.448432')).toBe('Training finished');
  expect(endingWords(endedText('training failed in round 3', 1_795_824_529_943))).toBe(
    'training failed in round 3',
  );
});

it('keeps what is no time', () => {
  expect(endingWords('training failed in round 3\n')).toBe('training failed in round 3');
  expect(endingWords('')).toBe('');
  expect(endingWords('disk 123 is full')).toBe('disk 123 is full');
});
