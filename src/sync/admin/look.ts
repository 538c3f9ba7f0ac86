import type { Clock } from '../../clock.ts';
import { InvariantError, MilaError, TransientError } from '../../errors.ts';
import { invariant } from '../../invariant.ts';
import type { Random } from '../../random.ts';
import type {
  Account,
  ActingWay,
  Collaboration,
  Desk,
  Enterprise,
  FolderFacts,
  Group,
  Member,
} from './enterprise.ts';
import type { Outcome, StepId } from './finding.ts';
import type { Side } from './step.ts';

/** What the configuration says that the checks need. */
export interface Wanted {
  readonly side: Side;
  /** The client's own name, or the names that the person gave; empty: whoever is in the group. */
  readonly participants: readonly string[];
  readonly groupName: string | undefined;
  readonly sharedFolder: string;
  readonly savePath: readonly string[];
  /** The largest file that is known to be sent. Units: bytes. */
  readonly largestFileBytes: number;
  /** False: only look; what can only be told by writing is not told. */
  readonly mayWrite: boolean;
}

/** What a login attempt came to: Box answers one thing at a time, so one step is to blame. */
export type LoginResult = { readonly ok: true } | { readonly ok: false; step: StepId; error: unknown };

/** A participant's account, as far as it exists. */
export interface Participant {
  readonly account: Pick<Account, 'id' | 'name' | 'kind'>;
  readonly inGroup: boolean;
}

/** What earlier checks have learnt; later ones rely on it through the steps that they need. */
export interface Facts {
  enterprise?: Enterprise;
  openError?: MilaError;
  login?: LoginResult;
  service?: Account;
  seesPeople?: boolean;
  /** The visible groups whose names begin with the wanted one. */
  groups?: readonly Group[];
  group?: Group;
  members?: readonly Member[];
  participants?: readonly Participant[];
  /** What was refused of the two ways to speak for a user; null: it works. */
  acting?: Readonly<Record<ActingWay, unknown>>;
  /** The desk of whoever will work in the folder: the app's own account, or the client's. */
  worker?: Desk;
  folder?: FolderFacts;
  /** Where the group is invited. */
  invitations?: readonly Collaboration[];
  /** The group's invitation to the shared folder, where it can be seen. */
  invitation?: Collaboration;
  /** Whether the worker may delete in the folder. */
  mayRemove?: boolean;
}

/** What every check is given. */
export interface Look {
  readonly wanted: Wanted;
  readonly facts: Facts;
  readonly clock: Clock;
  readonly random: Random;
  /** Read the key file. Errors: ConfigError, AuthError 'wrong-passphrase'. */
  readonly open: () => Promise<Enterprise>;
}

export type Check = (look: Look) => Promise<Outcome>;

/** The connection that the first steps have made. */
export function enterpriseOf({ facts }: Look): Enterprise {
  invariant(facts.enterprise !== undefined, 'the key file was read before');
  return facts.enterprise;
}

/** The outcome for an error that the check has no better words for. Errors: whatever is no refusal and no failure of Box. */
export function failedBy(error: unknown, look: Look): Outcome {
  if (!(error instanceof MilaError) || error instanceof InvariantError) throw error;
  const answer = look.facts.enterprise?.answerBehind(error);
  if (error instanceof TransientError) {
    const what = { who: ['you'] as const, what: 'Try again in a while.', link: null };
    return { status: 'failed', means: `Box gave no usable answer: ${error.message}`, answer, mend: [what] };
  }
  return { status: 'failed', means: error.message, answer };
}

/** True for Box's 403, whichever of its two codes comes with it. */
export function isForbidden(error: unknown, look: Look): boolean {
  return look.facts.enterprise?.answerBehind(error)?.status === 403;
}

/** A day as everybody reads it. */
export const dateText = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
