import type { Layout } from './run-folder.ts';
import type { Account, AggregationPlanEntry, Ending } from './server-state.ts';

/**
 * What the server wants done. Every action is asked for again until its effect is observed, so each may be
 * done twice and a restart loses none.
 */
export type ServerAction =
  | {
      readonly kind: 'answer';
      readonly layout: Layout;
      readonly name: string;
      /** The account to make the token from; null for one out of the air. Only for an admission. */
      readonly account: Account | null;
      /** Null admits; a text refuses. */
      readonly refusal: string | null;
    }
  | { readonly kind: 'mark-lost'; readonly name: string; readonly round: number }
  | { readonly kind: 'unmark-lost'; readonly name: string }
  | {
      readonly kind: 'check-update';
      readonly round: number;
      readonly key: string;
      readonly name: string;
      readonly version: string;
    }
  | { readonly kind: 'open-round'; readonly round: number; readonly final: boolean }
  | { readonly kind: 'aggregate'; readonly round: number; readonly inputs: readonly AggregationPlanEntry[] }
  /** Write a file of the server's anew, over what somebody else put there. */
  | {
      readonly kind: 'restore';
      readonly file: 'task' | 'settings' | 'meta' | 'round';
      /** Of "meta" and "round". */
      readonly round: number;
      readonly final: boolean;
    }
  | { readonly kind: 'write-ended'; readonly ending: Ending };
