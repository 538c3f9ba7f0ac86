/** How often kMoL's own clients beat, and ours where no server tells its time-out. Units: milliseconds. */
const BEAT_MS = 60_000;
/** The longest time between two beats that nobody asked for: each is a call to Box, and wakes every mount. */
const BEAT_MAX_MS = 900_000;
/** The shortest, whatever a server tells: its word must not make a client write without a pause. */
const BEAT_MIN_MS = 500;
/** So many beats fit into the server's time-out: one may be late, and one may be missed. */
const BEATS_IN_TIMEOUT = 3;

interface BeatFacts {
  /** What the client's configuration says; null leaves it to the server. Units: milliseconds. */
  readonly configuredMs: number | null;
  /** The silence after which the server counts a client as lost; null where it does not tell. Units: seconds. */
  readonly timeoutSeconds: number | null;
  /** Whether a beat costs a call to Box. */
  readonly isCounted: boolean;
}

/**
 * How often a client beats.
 *
 * Units: milliseconds. Guarantees: pure; what a server tells never makes it more often than twice a second.
 */
export function beatPeriodMs({ configuredMs, timeoutSeconds, isCounted }: BeatFacts): number {
  if (configuredMs !== null) return configuredMs;
  if (timeoutSeconds === null) return BEAT_MS;
  const thirdMs = (timeoutSeconds * 1000) / BEATS_IN_TIMEOUT;
  return Math.max(BEAT_MIN_MS, Math.min(isCounted ? BEAT_MAX_MS : BEAT_MS, thirdMs));
}
