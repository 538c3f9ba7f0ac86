import { ConfigError } from '../../errors.ts';
import { participantKey } from './run-folder.ts';

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
  /** The keys of those who may take part; null: anybody. */
  readonly members: ReadonlySet<string> | null;
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

/**
 * The same settings for a run in which only these take part; undefined: anybody.
 *
 * Errors: ConfigError 'too-few-members' when they are fewer than the run needs.
 */
export function settingsFor(settings: ServerSettings, names: readonly string[] | undefined): ServerSettings {
  if (names === undefined) return settings;
  const members = new Set(names.map(participantKey));
  const { minimumClients } = settings;
  if (members.size < minimumClients)
    throw new ConfigError({
      code: 'too-few-members',
      message: `minimum_clients is ${minimumClients}, but the aggregator counts ${members.size} only: ${names.join(', ') || 'nobody'}`,
      hint: 'Name every participant in aggregator_options.weights, or lower minimum_clients.',
    });
  return { ...settings, members };
}
