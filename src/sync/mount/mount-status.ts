import { existsSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { SyncEngine } from '../engine/engine.ts';
import type { EngineStatus } from '../engine/status.ts';
import type { ApiUsage } from '../index/records.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { MountLayout } from '../local/mirror-root.ts';
import type { ByteRates } from './byte-rates.ts';
import type { CallLedger } from './call-ledger.ts';

const HOUR_MS = 3_600_000;

/** A mount as people and programs see it. */
export interface MountStatus extends EngineStatus {
  readonly directory: string;
  readonly root: string;
  readonly pid: number;
  /** Conflict copies that still stand. */
  readonly conflicts: number;
  /** Content bytes a second, over the last few seconds. */
  readonly throughput: { readonly up: number; readonly down: number };
  readonly apiCalls: {
    readonly sinceStart: number;
    readonly thisHour: number;
    readonly thisMonth: number;
    /** This hour's. */
    readonly byEndpoint: Readonly<Record<string, number>>;
  };
}

/** The status before the folder in Box was found. */
const AWAITING: EngineStatus = {
  state: 'awaiting-folder',
  queue: { control: 0, bulk: 0 },
  bytes: { up: 0, down: 0 },
  entries: { remote: 0, local: 0, synced: 0 },
  problems: [],
  waiting: [],
  held: null,
  trouble: null,
  lastChangeAtMs: null,
  transfers: [],
};

const sumOf = (usage: readonly ApiUsage[]) => usage.reduce((sum, { calls }) => sum + calls, 0);

function firstHourOfMonth(nowMs: number): number {
  const now = new Date(nowMs);
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth()) / HOUR_MS;
}

/** What a mount is described from. */
export interface StatusSources {
  readonly layout: MountLayout;
  readonly clock: Clock;
  readonly index: VersionIndex;
  readonly ledger: CallLedger;
  readonly rates: ByteRates;
  /** Absent until the folder in Box was found. */
  readonly engine: SyncEngine | undefined;
}

/** Describe a mount as it is now. */
export function mountStatus({ layout, clock, index, ledger, rates, engine }: StatusSources): MountStatus {
  const hour = Math.floor(clock.now() / HOUR_MS);
  const usage = index.apiUsage(hour);
  const byEndpoint = Object.fromEntries(usage.map(({ endpoint, calls }) => [endpoint, calls]));
  return {
    ...(engine?.status() ?? AWAITING),
    directory: layout.directory,
    root: layout.rootPath.join('/'),
    pid: process.pid,
    conflicts: index.conflicts().filter(({ keptAs }) => existsSync(keptAs)).length,
    throughput: rates.perSecond(),
    apiCalls: {
      sinceStart: ledger.total,
      thisHour: sumOf(usage),
      thisMonth: sumOf(index.apiUsage(firstHourOfMonth(clock.now()))),
      byEndpoint,
    },
  };
}
