import { ConfigError } from '../../errors.ts';
import { nameProblem } from '../../fl/round/run-folder.ts';

/** How the files travel: through Box, over gRPC, or in a folder that all sites see. */
export const TRANSPORTS = ['box', 'grpc', 'dir'] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** What trains: a program that uses PyTorch, the built-in trainer of digits, or kMoL. */
export const TRAINERS = ['pytorch', 'digits', 'kmol'] as const;
export type Trainer = (typeof TRAINERS)[number];

/** The participants of a federation that nobody described. */
export const USUAL_PARTICIPANTS: readonly string[] = ['site_a', 'site_b', 'site_c'];

/** What a person says of a new federation. */
export interface Answers {
  readonly transport: Transport;
  readonly participants: readonly string[];
  readonly trainer: Trainer;
  /** True when Box is an emulator on this machine. */
  readonly emulator: boolean;
}

/** What a federation's first files are made from. */
export interface FederationChoice extends Answers {
  /** The interpreter that has what the training program imports. */
  readonly python: string;
}

/** Each participant has an account and two processes, which one machine has to bear in a rehearsal. */
const PARTICIPANTS_MAX = 100;
/** A participant's file is called by its name, and must not be one of these. */
const OTHER_FILES = new Set(['server', 'task', 'emulator-key', 'box-key', 'package', 'package-lock']);

/** What is wrong with a list of participants; undefined when nothing is. */
export function participantsProblem(names: readonly string[]): string | undefined {
  if (names.length === 0) return 'name at least one participant';
  if (names.length > PARTICIPANTS_MAX)
    return `${names.length} participants are named; at most ${PARTICIPANTS_MAX} are possible`;
  const seen = new Set<string>();
  for (const name of names) {
    const problem = nameProblem(name);
    if (problem !== undefined) return `${JSON.stringify(name)}: ${problem}`;
    const key = name.toLowerCase();
    if (OTHER_FILES.has(key)) return `"${name}": ${name}.json is a file of another meaning`;
    if (seen.has(key)) return `"${name}" is named twice`;
    seen.add(key);
  }
  return undefined;
}

/** Errors: ConfigError 'init-choice' for what does not go together. */
export function assertTogether({ participants, transport, emulator }: Answers): void {
  const problem = participantsProblem(participants);
  if (problem !== undefined)
    throw new ConfigError({
      code: 'init-choice',
      message: `--participants: ${problem}`,
      hint: `Give names with commas between: --participants ${USUAL_PARTICIPANTS.join(',')}`,
    });
  if (emulator && transport !== 'box')
    throw new ConfigError({
      code: 'init-choice',
      message: `--emulator is an emulator of Box, and --transport is ${transport}`,
      hint: 'Leave one of the two out.',
    });
}
