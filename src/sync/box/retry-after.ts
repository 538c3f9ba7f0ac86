/** Nobody is sent away for longer; a larger value is a mistake on the way. */
const RETRY_AFTER_MAX_MS = 24 * 60 * 60 * 1000;

/**
 * What the Retry-After header asks for; undefined when it is absent or unreadable.
 *
 * Units: milliseconds; the header carries seconds or an HTTP date.
 */
export function retryAfterMsOf(headers: Readonly<Record<string, string>>, nowMs: number): number | undefined {
  const value = headers['retry-after']?.trim();
  if (value === undefined || value === '') return undefined;
  // A date is one of the answer's own clock, where it tells; ours may be wrong by hours.
  const sentMs = Date.parse(headers['date'] ?? '');
  const dueMs = Date.parse(value) - (Number.isFinite(sentMs) ? sentMs : nowMs);
  const waitMs = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1000 : dueMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(0, waitMs), RETRY_AFTER_MAX_MS) : undefined;
}
