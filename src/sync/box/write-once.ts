import { TransientError } from '../../errors.ts';
import type { Transport } from './transport.ts';

interface WriteOnceOptions<T> {
  readonly signal?: AbortSignal | undefined;
  /** Make the call; `uncertain` is true when an earlier try may have had its effect. */
  attempt(uncertain: boolean): Promise<T>;
  /** Look whether the effect is there, since its answer was lost. */
  look(): Promise<T | undefined>;
}

/**
 * Carry out a write whose answer may get lost on the way.
 *
 * Guarantees: the effect happens at most once per success; the call is repeated only after a look found nothing.
 * Errors: what `attempt` and `look` throw; the last TransientError when the waits are used up.
 */
export async function writeOnce<T>(transport: Transport, options: WriteOnceOptions<T>): Promise<T> {
  const backoff = transport.backoff();
  let uncertain = false;
  for (;;) {
    try {
      return await options.attempt(uncertain);
    } catch (error) {
      if (!(error instanceof TransientError) || !error.effectUnknown) throw error;
      await transport.pause(error, { backoff, writes: false, signal: options.signal });
      uncertain = true;
    }
    const found = await options.look();
    if (found !== undefined) return found;
  }
}
