import { AuthError, type MilaError, RejectedError, StaleError } from '../../errors.ts';
import type { BoxAnswer, Enterprise } from './enterprise.ts';

/** The things that setup can make. */
export type SetupPart = 'group' | 'service-account' | 'folder' | 'invitation' | 'participant' | 'membership';

/** What was done about one of them, or has to be done by somebody. */
export interface SetupAction {
  readonly part: SetupPart;
  readonly state: 'exists' | 'made' | 'would-make' | 'by-hand';
  readonly text: string;
  /** For what is left: how to do it by hand. */
  readonly how: string | null;
  readonly link: string | null;
  readonly answer: BoxAnswer | null;
}

interface SetupWorksOptions {
  readonly enterprise: Pick<Enterprise, 'answerBehind'>;
  /** Only tell what would be made. */
  readonly dryRun: boolean;
  readonly onAction: (action: SetupAction) => void;
}

/** Makes one thing after another, and tells of each what came of it. */
export class SetupWorks {
  readonly #options: SetupWorksOptions;

  constructor(options: SetupWorksOptions) {
    this.#options = options;
  }

  /** Make one thing; what Box refuses is left to a person, and the rest goes on. */
  async make<T>(
    part: SetupPart,
    text: string,
    given: {
      readonly how: string;
      readonly link: string;
      readonly work: (() => Promise<T>) | undefined;
    },
  ): Promise<T | undefined> {
    const { how, link, work } = given;
    if (this.#options.dryRun) {
      this.tell(part, 'would-make', text);
      return undefined;
    }
    if (work === undefined) {
      this.tell(part, 'by-hand', `${text}: has to wait for what comes before`, { how, link });
      return undefined;
    }
    try {
      const made = await work();
      this.tell(part, 'made', text);
      return made;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const answer = this.#options.enterprise.answerBehind(error) ?? null;
      this.tell(part, 'by-hand', `${text}: Box refused it`, { how, link, answer });
      return undefined;
    }
  }

  tell(
    part: SetupPart,
    state: SetupAction['state'],
    text: string,
    more: { readonly how?: string; readonly link?: string; readonly answer?: BoxAnswer | null } = {},
  ): void {
    const { how = null, link = null, answer = null } = more;
    this.#options.onAction({ part, state, text, how, link, answer });
  }
}

/** Box's no to one thing, which says nothing about the next. */
function isRefusal(error: unknown): error is MilaError {
  return error instanceof RejectedError || error instanceof StaleError || error instanceof AuthError;
}
