import type { MountReport, TransferTotals } from './inspection.ts';
import type { IndexFacts } from './observed-run.ts';

function transferTotals({ transfers }: IndexFacts): readonly TransferTotals[] {
  const totals = new Map<string, TransferTotals>();
  for (const { op, sizeBytes, durationMs, outcome } of transfers) {
    const known = totals.get(op) ?? { op, count: 0, failed: 0, bytes: 0, durationMs: 0 };
    const isDone = outcome === 'done';
    totals.set(op, {
      op,
      count: known.count + 1,
      failed: known.failed + (isDone ? 0 : 1),
      bytes: known.bytes + (isDone ? (sizeBytes ?? 0) : 0),
      durationMs: known.durationMs + durationMs,
    });
  }
  return [...totals.values()].sort((left, right) => (left.op < right.op ? -1 : 1));
}

/** What a mount's index adds, summed up. */
export function mountReport(facts: IndexFacts): MountReport {
  const byEndpoint = new Map<string, number>();
  const byHour = new Map<number, number>();
  for (const { endpoint, hourAtMs, calls } of facts.calls) {
    byEndpoint.set(endpoint, (byEndpoint.get(endpoint) ?? 0) + calls);
    byHour.set(hourAtMs, (byHour.get(hourAtMs) ?? 0) + calls);
  }
  return {
    calls: [...byHour.values()].reduce((sum, calls) => sum + calls, 0),
    byEndpoint: [...byEndpoint]
      .map(([endpoint, calls]) => ({ endpoint, calls }))
      .sort((left, right) => right.calls - left.calls || (left.endpoint < right.endpoint ? -1 : 1)),
    byHour: [...byHour]
      .map(([hourAtMs, calls]) => ({ hourAtMs, calls }))
      .sort((left, right) => left.hourAtMs - right.hourAtMs),
    transfers: transferTotals(facts),
  };
}
