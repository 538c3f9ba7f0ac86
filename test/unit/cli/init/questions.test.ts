import { describe, expect, it } from 'vitest';
import { askForRest, type ToldChoice, usualAnswers } from '../../../../src/cli/init/questions.ts';
import { InterruptedError } from '../../../../src/errors.ts';

/** A person who gives these answers, one after the other. */
async function asked(told: ToldChoice, ...answers: readonly string[]) {
  const left = [...answers];
  const questions: string[] = [];
  const said: string[] = [];
  const result = await askForRest(told, {
    ask: async (question) => {
      questions.push(question);
      const answer = left.shift();
      if (answer === undefined) throw new Error(`nobody answers ${question}`);
      return answer;
    },
    say: (text) => said.push(text),
  });
  expect(left).toEqual([]);
  return { result, questions, said };
}

describe('what no flag tells', () => {
  it('is asked for, and an empty answer takes what is usual', async () => {
    const { result, questions } = await asked({}, '', '', '', '');
    expect(questions).toHaveLength(4);
    expect(result).toEqual({
      transport: 'box',
      participants: ['site_a', 'site_b', 'site_c'],
      trainer: 'pytorch',
      emulator: true,
    });
  });

  it('is asked for again after an answer that is none', async () => {
    const { result, said } = await asked({}, 'post', 'grpc', 'a,a', 'a, b', 'excel', 'DIGITS');
    expect(result).toEqual({
      transport: 'grpc',
      participants: ['a', 'b'],
      trainer: 'digits',
      emulator: false,
    });
    expect(said).toHaveLength(3);
    expect(said[0]).toContain('"post" is none of box, grpc, dir');
  });

  it('is the only thing that is asked for', async () => {
    const told = { transport: 'dir', participants: ['a'], program: 'kmol' } as const;
    const { result, questions } = await asked(told);
    expect(questions).toEqual([]);
    expect(result).toEqual({ transport: 'dir', participants: ['a'], trainer: 'kmol', emulator: false });
    expect((await asked({ emulator: true, participants: ['a'] }, '')).result.transport).toBe('box');
  });

  it('is taken as usual where nobody can be asked: a real Box, unless an emulator is wanted', () => {
    expect(usualAnswers({})).toEqual({
      transport: 'box',
      participants: ['site_a', 'site_b', 'site_c'],
      trainer: 'pytorch',
      emulator: false,
    });
  });
});

it('is given up when the person leaves', async () => {
  await expect(askForRest({}, { ask: async () => undefined, say: () => {} })).rejects.toThrow(
    InterruptedError,
  );
});
