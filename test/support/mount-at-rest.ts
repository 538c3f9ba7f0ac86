import type { MountStatus } from '../../src/sync/mount/mount-status.ts';

/** A mount with nothing to do. */
export const AT_REST: MountStatus = {
  state: 'in-sync',
  queue: { control: 0, bulk: 0 },
  bytes: { up: 0, down: 0 },
  entries: { remote: 3, local: 3, synced: 3 },
  problems: [],
  waiting: [],
  held: null,
  notices: [],
  trouble: null,
  lastChangeAtMs: null,
  transfers: [],
  directory: '/srv/mount',
  root: 'shared',
  pid: 1,
  conflicts: 0,
  throughput: { up: 0, down: 0 },
  apiCalls: { thisHour: 12, thisMonth: 12, sinceStart: 12, byEndpoint: {}, byUser: {}, monthlyQuota: null },
};
