import type { Clock } from '../../clock.ts';
import type { ApiUsage } from '../index/records.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { RemoteCall } from '../remote/remote-store.ts';

const HOUR_MS = 3_600_000;

/** Hours since 1970, by which calls are counted. */
export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS);
}

/** The first hour of the month (UTC) in which `timeMs` lies: Box counts by calendar months. */
export function monthStartHour(timeMs: number): number {
  const date = new Date(timeMs);
  return hourOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1));
}

/** The calls of this machine's mount, as a person wants to see them. */
export interface CallSummary {
  readonly thisHour: number;
  readonly thisMonth: number;
  /** This hour's. */
  readonly byEndpoint: Readonly<Record<string, number>>;
  /** This hour's, by the account that Box counts them with. */
  readonly byUser: Readonly<Record<string, number>>;
  /** The plan's calls a month and the share of them that this mount has used; null where nobody named them. */
  readonly monthlyQuota: { readonly calls: number; readonly share: number } | null;
}

/** Sum up what was counted since the month began. */
export function summarise(
  usage: readonly ApiUsage[],
  { nowMs, quota }: { readonly nowMs: number; readonly quota: number | undefined },
): CallSummary {
  const hour = hourOf(nowMs);
  const present = usage.filter((each) => each.hour === hour);
  const sum = (rows: readonly ApiUsage[]) => rows.reduce((total, { calls }) => total + calls, 0);
  const by = (key: 'endpoint' | 'user') => {
    const counts = new Map<string, number>();
    for (const row of present) counts.set(row[key], (counts.get(row[key]) ?? 0) + row.calls);
    return Object.fromEntries(counts);
  };
  const thisMonth = sum(usage.filter((each) => each.hour >= monthStartHour(nowMs)));
  return {
    thisHour: sum(present),
    thisMonth,
    byEndpoint: by('endpoint'),
    byUser: by('user'),
    monthlyQuota: quota === undefined ? null : { calls: quota, share: thisMonth / quota },
  };
}

/**
 * Counts every call to Box, in memory first and then in the index.
 *
 * Guarantees: a call is counted once; a kill loses at most the counts since the last flush.
 */
export class CallLedger {
  readonly #clock: Clock;
  readonly #pending = new Map<string, ApiUsage>();
  #total = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls since this mount started. */
  get total(): number {
    return this.#total;
  }

  readonly record = ({ user, endpoint }: RemoteCall): void => {
    this.#total += 1;
    const hour = hourOf(this.#clock.now());
    const key = `${hour} ${user} ${endpoint}`;
    const calls = (this.#pending.get(key)?.calls ?? 0) + 1;
    this.#pending.set(key, { hour, user, endpoint, calls });
  };

  /** Move what was counted into the index. */
  flush(index: VersionIndex): void {
    if (this.#pending.size === 0) return;
    index.transaction(() => {
      for (const usage of this.#pending.values()) index.countCalls(usage);
    });
    this.#pending.clear();
  }
}
