import type { FederationEvent } from '../round/event.ts';
import { TrackedRun, type TrackingOptions } from './tracked-run.ts';

/** Brings a run's numbers to the places that its configuration names. */
export interface Tracking {
  /** Guarantees: never throws, never waits. */
  observe(event: FederationEvent): void;
  /** Bring the rest there. Guarantees: never fails; 10 s at most. */
  close(): Promise<void>;
}

/**
 * Start to track what a server or a client tells.
 *
 * What goes to the places is read from `metrics.jsonl`, which the run's history writes: what a place misses while it
 * cannot be reached stands there, also after a death of the program.
 * Guarantees: no round waits for a place or fails for it; one notice for each that cannot be reached.
 */
export function startTracking(options: TrackingOptions): Tracking {
  let present: TrackedRun | undefined;
  const leaving: Promise<void>[] = [];
  return {
    observe(event) {
      if (options.targets.length === 0) return;
      if ('run' in event && present?.run !== event.run) {
        // A client that goes over to a newer run does not come back to the one before.
        if (present !== undefined) leaving.push(present.leave('KILLED'));
        present = new TrackedRun(event.run, options);
      }
      present?.observe(event);
    },
    async close() {
      if (present !== undefined) leaving.push(present.leave(null));
      present = undefined;
      await Promise.all(leaving);
    },
  };
}
