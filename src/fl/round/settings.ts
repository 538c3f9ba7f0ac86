/** When a round may close without everybody. */
export interface StragglerPolicy {
  /** Close this long after the round began, whoever is missing; null waits for ever. Units: milliseconds. */
  readonly deadlineMs: number | null;
  /** Close as soon as this share of the active participants has delivered; 1 waits for all. */
  readonly share: number;
  /** Never aggregate fewer updates than this. */
  readonly minimumUpdates: number;
}

/** What the server's machine decides by. */
export interface ServerSettings {
  readonly roundsCount: number;
  readonly minimumClients: number;
  readonly maximumClients: number;
  readonly clientWaitTimeMs: number;
  readonly heartbeatTimeoutMs: number;
  /** Whether a participant that was lost is taken back when it is heard of again. */
  readonly rejoin: boolean;
  readonly stragglers: StragglerPolicy;
}

/** Now, by both clocks. */
export interface Instant {
  /** Units: milliseconds since 1970; only for texts that people read. */
  readonly nowMs: number;
  /** Units: milliseconds from an arbitrary origin; everything is judged by this one. */
  readonly monotonicMs: number;
}
