import type { BoxAnswer } from './enterprise.ts';

/** Who can mend something. */
export type Person = 'developer' | 'administrator' | 'co-administrator' | 'folder-owner' | 'you';

/** One thing to be done by somebody, with Box's own page about it where there is one. */
export interface Remedy {
  readonly who: readonly Person[];
  readonly what: string;
  readonly link: string | null;
}

/** The steps of the set-up, in the order in which they are done and checked. */
export const STEP_IDS = [
  'key-file',
  'passphrase',
  'reach',
  'clock',
  'app',
  'app-kind',
  'key-pair',
  'enterprise-id',
  'authorised',
  'login',
  'enabled',
  'read-scope',
  'write-scope',
  'users-scope',
  'groups-scope',
  'access-level',
  'group',
  'service-account',
  'participants',
  'user-tokens',
  'as-user',
  'shared-folder',
  'folder-owner',
  'storage',
  'folder-role',
  'save-path',
  'wake-up',
  'upload-size',
  'api-calls',
  'key-reach',
] as const;

export type StepId = (typeof STEP_IDS)[number];

/** What one check found. */
export type Outcome =
  | { readonly status: 'ok'; readonly found: string; readonly warnings?: readonly string[] }
  | {
      readonly status: 'failed';
      /** What it means, in words for an administrator. */
      readonly means: string;
      readonly answer?: BoxAnswer | undefined;
      /** Default: the step's own. */
      readonly mend?: readonly Remedy[];
      /** False when a federation runs all the same. Default true. */
      readonly blocks?: boolean;
    }
  | { readonly status: 'skipped'; readonly because: StepId }
  | { readonly status: 'cannot-tell'; readonly why: string };

/** One line of the report. */
export interface Finding {
  readonly step: StepId;
  readonly title: string;
  readonly status: Outcome['status'];
  /** True when a federation cannot run before this is mended. */
  readonly blocks: boolean;
  /** What was seen, what a failure means, or why nothing can be said. */
  readonly text: string;
  readonly because: StepId | null;
  readonly answer: BoxAnswer | null;
  readonly mend: readonly Remedy[];
  readonly warnings: readonly string[];
}
