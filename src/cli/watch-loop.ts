import { type Clock, delay } from '../clock.ts';

/** Who is told of what a watch sees. */
export interface Watcher<Look> {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each look that found something new; looks never overlap with it. */
  readonly onLook: (look: Look) => Promise<void> | void;
  /** Called after each look that found nothing new. */
  readonly onSame?: () => void;
  /** Told why nothing could be looked at; it is tried again. Without it, that ends the watch with the error. */
  readonly onTrouble?: (error: unknown) => void;
}

/** Where a watch looks. */
interface Watched<Look> {
  /** The next look; null when it found nothing new. */
  readonly next: () => Promise<Look | null>;
  /** Look at everything anew: what was seen before may be gone. */
  readonly forget: () => void;
  /** Whether nothing is to be expected after this look. */
  readonly isLast: (look: Look) => boolean;
}

/** How long to rest between two looks. Units: milliseconds. */
const REST_MS = 1_000;

/**
 * Look again and again, until the last look or until the signal is aborted.
 *
 * Guarantees: rests at least a second, and as long as the look took: watching never takes more than half of a core.
 */
export async function watchLoop<Look>(watched: Watched<Look>, watcher: Watcher<Look>): Promise<void> {
  const { clock, signal, onLook, onSame, onTrouble } = watcher;
  while (!signal.aborted) {
    const beganMs = clock.monotonic();
    try {
      const look = await watched.next();
      if (look === null) onSame?.();
      else {
        await onLook(look);
        if (watched.isLast(look)) return;
      }
    } catch (error) {
      if (onTrouble === undefined) throw error;
      watched.forget();
      onTrouble(error);
    }
    await delay(clock, Math.max(REST_MS, clock.monotonic() - beganMs), signal);
  }
}
