import type { Clock } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import { isExpected } from './background.ts';
import type { ClientSession } from './client-transport.ts';
import type { CopyModel } from './start-model.ts';
import { takeModel } from './start-model.ts';

/** The name of the final model among a client's results. */
export const FINAL_MODEL_FILE = 'final.pt';

interface FinalModelOptions {
  readonly session: ClientSession;
  /** The run's folder among the client's own results. */
  readonly results: string;
  readonly copyModel: CopyModel;
  readonly clock: Clock;
  /** How long it may take to get hold of it. Units: milliseconds. */
  readonly waitMs: number;
  /** Aborted when the client is told to leave. */
  readonly signal: AbortSignal;
  /** Called with why the model cannot be taken, or cannot be taken yet. */
  readonly onTrouble: (message: string) => void;
}

/**
 * Take the final model along: read by this project's codec and written anew among the client's own results, as the start
 * of each round is. Returns where it stands; null, after a word, when it cannot be had.
 */
export async function takeFinalModel(options: FinalModelOptions, round: number): Promise<string | null> {
  const { clock, waitMs, signal, onTrouble } = options;
  const late = new AbortController();
  const timer = clock.after(waitMs, () => late.abort());
  try {
    const limits = AbortSignal.any([signal, late.signal]);
    return (await takeModel(options, { round, file: FINAL_MODEL_FILE }, limits)).path;
  } catch (error) {
    if (!late.signal.aborted && !signal.aborted) {
      if (!isExpected(error)) throw error;
      onTrouble(`the final model cannot be taken along: ${messageOf(error)}`);
    }
    return null;
  } finally {
    timer.cancel();
  }
}
