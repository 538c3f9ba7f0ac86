/** How a run came to its end, in MLflow's words. */
export type FinalStatus = 'FINISHED' | 'FAILED' | 'KILLED';

/** One place that a run's numbers go to beside its own files. */
export interface Tracker {
  /** What it is called in a sentence. */
  readonly title: string;
  /** Bring there what is new. Errors: any; the next call goes on where this one stopped. */
  catchUp(signal: AbortSignal): Promise<void>;
  /** The same, and tell how the run ended; null where it goes on later. */
  finish(status: FinalStatus | null, signal: AbortSignal): Promise<void>;
}
