import type { LocalId } from '../../ids.ts';
import type { RootStanding } from '../local/root-guard.ts';
import { UNMIRRORABLE_TEXTS, type Unmirrorable } from '../local/unmirrorable.ts';
import type { HeldDeletions, Problem } from '../plan/op.ts';
import type { RemoteView } from './remote-side.ts';
import type { EngineState } from './status.ts';

/** What the state of an engine follows from. */
export interface StateFacts {
  readonly root: RootStanding;
  readonly box: RemoteView;
  readonly paused: boolean;
  readonly full: boolean;
  readonly held: HeldDeletions | null;
  /** True when nothing runs, began, or waits to be understood. */
  readonly rests: boolean;
  /** True when entries wait after a failure. */
  readonly waits: boolean;
  readonly wasReady: boolean;
}

/** The state of an engine: what a person must mend first, then what it is at. */
export function stateOf(facts: StateFacts): EngineState {
  if (facts.root === 'replaced') return 'root-replaced';
  if (facts.root !== 'there') return 'root-missing';
  if (facts.box === 'lost') return 'access-lost';
  if (facts.box === 'unreachable') return 'offline';
  if (facts.paused) return 'paused';
  if (facts.full) return 'full';
  if (facts.held !== null && facts.held.emptied !== null) return 'root-emptied';
  if (facts.rests) return facts.waits ? 'waiting' : 'in-sync';
  return facts.wasReady ? 'syncing' : 'starting';
}

/** True when both sides agree as far as they ever will without a person. */
export function isAgreed(state: EngineState): boolean {
  return state === 'in-sync' || state === 'waiting' || state === 'root-emptied';
}

/** An entry of the disk that is reported instead of mirrored, as status shows it. */
export function problemOf({ path, reason }: Unmirrorable, id: LocalId): Problem {
  return { side: 'local', id, path, reason, message: UNMIRRORABLE_TEXTS[reason] };
}
