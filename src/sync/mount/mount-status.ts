import { existsSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import type { SyncEngine } from '../engine/engine.ts';
import type { Notices } from '../engine/notices.ts';
import type { EngineStatus } from '../engine/status.ts';
import type { VersionIndex } from '../index/version-index.ts';
import type { MountLayout } from '../local/mirror-root.ts';
import type { ByteRates } from './byte-rates.ts';
import { type CallLedger, type CallSummary, monthStartHour, summarise } from './call-ledger.ts';

/** A mount as people and programs see it. */
export interface MountStatus extends EngineStatus {
  readonly directory: string;
  readonly root: string;
  readonly pid: number;
  /** Conflict copies that still stand. */
  readonly conflicts: number;
  /** Content bytes a second, over the last few seconds. */
  readonly throughput: { readonly up: number; readonly down: number };
  readonly apiCalls: CallSummary & { readonly sinceStart: number };
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
  notices: [],
  trouble: null,
  lastChangeAtMs: null,
  transfers: [],
};

/** What a mount is described from. */
export interface StatusSources {
  readonly layout: MountLayout;
  readonly clock: Clock;
  readonly index: VersionIndex;
  readonly ledger: CallLedger;
  readonly rates: ByteRates;
  /** Calls a month that the enterprise's plan allows, where somebody named them. */
  readonly monthlyApiQuota: number | undefined;
  readonly notices: Notices;
  /** Absent until the folder in Box was found. */
  readonly engine: SyncEngine | undefined;
}

/** Describe a mount as it is now. */
export function mountStatus(sources: StatusSources): MountStatus {
  const { layout, clock, index, ledger, rates, engine, monthlyApiQuota: quota } = sources;
  const nowMs = clock.now();
  const usage = index.apiUsage(monthStartHour(nowMs));
  return {
    ...(engine?.status() ?? AWAITING),
    notices: sources.notices.all,
    directory: layout.directory,
    root: layout.rootPath.join('/'),
    pid: process.pid,
    conflicts: index.conflicts().filter(({ keptAs }) => existsSync(keptAs)).length,
    throughput: rates.perSecond(),
    apiCalls: { sinceStart: ledger.total, ...summarise(usage, { nowMs, quota }) },
  };
}
