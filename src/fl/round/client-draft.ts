import type { ClientAction, ClientEnding, ClientRecord, ClientStep } from './client-state.ts';
import type { FederationEvent } from './event.ts';

/** One step's working copy. */
export interface ClientDraft {
  record: ClientRecord;
  lostSinceMs: number | null;
  seenDelivered: number | null;
  endedSinceMs: number | null;
  ending: ClientEnding | null;
  awaited: ClientStep['awaited'];
  readonly actions: ClientAction[];
  readonly events: FederationEvent[];
  readonly deadlinesMs: number[];
}
