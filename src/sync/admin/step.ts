import type { Person, Remedy, StepId } from './finding.ts';

/**
 * Whose configuration is looked at: the server's, that of a client whose account the app keeps, or that of a client
 * whose app is its own.
 */
export type Side = 'server' | 'client' | 'own-app-client';

/** One step of the set-up: what should hold, and what to do where it does not. */
export interface Step {
  readonly title: string;
  /** Steps without which this one cannot be looked at. */
  readonly needs: readonly StepId[];
  /** Whose configuration it is looked at for. */
  readonly sides: readonly Side[];
  readonly mend: readonly Remedy[];
}

export const ALL: readonly Side[] = ['server', 'client', 'own-app-client'];
/** Where one app keeps the accounts of many. */
export const KEEPER: readonly Side[] = ['server', 'client'];
export const SERVER: readonly Side[] = ['server'];

export const ADMINISTRATORS: readonly Person[] = ['administrator', 'co-administrator'];

/** Something to do, by whom, and where Box explains it. */
export const byHand = (who: readonly Person[], what: string, link: string | null): Remedy => ({
  who,
  what,
  link,
});
