import { InterruptedError } from '../../errors.ts';
import {
  type Answers,
  participantsProblem,
  TRAINERS,
  TRANSPORTS,
  type Trainer,
  type Transport,
  USUAL_PARTICIPANTS,
} from './federation-choice.ts';

/** What the command line told of a choice. */
export interface ToldChoice {
  readonly transport?: Transport;
  readonly participants?: readonly string[];
  readonly program?: Trainer;
  readonly emulator?: boolean;
}

/** Asks a person one question; the answer is trimmed, empty for no answer, and undefined of a person who leaves. */
export type Ask = (question: string) => Promise<string | undefined>;

export interface Questions {
  /** Errors: InterruptedError when the person leaves. */
  readonly ask: (question: string) => Promise<string>;
  /** Say what was wrong with an answer, before it is asked again. */
  readonly say: (text: string) => void;
}

export const participantsIn = (text: string): readonly string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Ask until the answer is one of some words; an empty one is the first of them. */
async function choose<Word extends string>(
  { ask, say }: Questions,
  question: string,
  words: readonly Word[],
): Promise<Word> {
  const [usual] = words;
  if (usual === undefined) throw new RangeError('a question has answers');
  for (;;) {
    const answer = (await ask(`${question} (${words.join(', ')}) [${usual}]: `)).toLowerCase();
    if (answer === '') return usual;
    const found = words.find((word) => word === answer);
    if (found !== undefined) return found;
    say(`"${answer}" is none of ${words.join(', ')}`);
  }
}

async function chooseParticipants({ ask, say }: Questions): Promise<readonly string[]> {
  for (;;) {
    const answer = await ask(`Who takes part? Names with commas between [${USUAL_PARTICIPANTS.join(',')}]: `);
    const names = answer === '' ? USUAL_PARTICIPANTS : participantsIn(answer);
    const problem = participantsProblem(names);
    if (problem === undefined) return names;
    say(problem);
  }
}

async function chooseEmulator(questions: Questions): Promise<boolean> {
  return (
    (await choose(questions, 'Try it with an emulator of Box on this machine?', ['yes', 'no'])) === 'yes'
  );
}

/** Ask a person for what the command line did not tell. Errors: InterruptedError when the person leaves. */
export async function askForRest(
  told: ToldChoice,
  { ask, say }: { readonly ask: Ask; readonly say: Questions['say'] },
): Promise<Answers> {
  const { emulator } = told;
  const questions: Questions = {
    ask: async (question) => {
      const answer = await ask(question);
      if (answer === undefined)
        throw new InterruptedError({ code: 'interrupted', message: 'nothing was written' });
      return answer;
    },
    say,
  };
  const transport =
    told.transport ??
    (emulator === true ? 'box' : await choose(questions, 'How do the files travel?', TRANSPORTS));
  const participants = told.participants ?? (await chooseParticipants(questions));
  const trainer = told.program ?? (await choose(questions, 'What trains?', TRAINERS));
  return {
    transport,
    participants,
    trainer,
    emulator: emulator ?? (transport === 'box' ? await chooseEmulator(questions) : false),
  };
}

/** What is meant where nobody can be asked. */
export function usualAnswers({ transport, participants, program, emulator }: ToldChoice): Answers {
  return {
    transport: transport ?? 'box',
    participants: participants ?? USUAL_PARTICIPANTS,
    trainer: program ?? 'pytorch',
    emulator: emulator ?? false,
  };
}
