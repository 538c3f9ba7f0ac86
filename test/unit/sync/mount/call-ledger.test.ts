import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../../../src/clock.ts';
import { VersionIndex } from '../../../../src/sync/index/version-index.ts';
import { CallLedger, monthStartHour, summarise } from '../../../../src/sync/mount/call-ledger.ts';

let folder: string;
let index: VersionIndex;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mila-ledger-'));
  index = VersionIndex.open(join(folder, 'index.sqlite'));
});
afterEach(() => {
  index.close();
  rmSync(folder, { recursive: true });
});

it('tells calls by account and endpoint, this month, and the share of the quota', () => {
  let nowMs = Date.UTC(2026, 9, 31, 23, 30);
  const ledger = new CallLedger({ now: () => nowMs } as Clock);
  const call = (user: string, endpoint: string) =>
    ledger.record({ user, endpoint, status: 200, durationMs: 1 });
  call('7', 'GET /a');
  nowMs = Date.UTC(2026, 10, 1, 0, 30);
  call('7', 'GET /a');
  ledger.flush(index);
  nowMs = Date.UTC(2026, 10, 2, 5, 0);
  for (let count = 0; count < 3; count += 1) call('7', 'GET /a');
  call('7', 'GET /b');
  call('8', 'GET /a');
  ledger.flush(index);
  ledger.flush(index);
  expect(ledger.total).toBe(7);
  const summary = summarise(index.apiUsage(monthStartHour(nowMs)), { nowMs, quota: 60 });
  expect(summary).toEqual({
    thisHour: 5,
    thisMonth: 6,
    byEndpoint: { 'GET /a': 4, 'GET /b': 1 },
    byUser: { 7: 4, 8: 1 },
    monthlyQuota: { calls: 60, share: 0.1 },
  });
});

it('counts a call in the hour in which it was made, however late it is stored', () => {
  let nowMs = Date.UTC(2026, 10, 2, 5, 59);
  const ledger = new CallLedger({ now: () => nowMs } as Clock);
  ledger.record({ user: '7', endpoint: 'GET /a', status: 200, durationMs: 1 });
  nowMs = Date.UTC(2026, 10, 2, 6, 1);
  ledger.flush(index);
  expect(summarise(index.apiUsage(0), { nowMs, quota: undefined })).toMatchObject({
    thisHour: 0,
    thisMonth: 1,
    monthlyQuota: null,
  });
});
