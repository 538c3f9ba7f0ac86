import { errnoOf, FullError, RejectedError, StaleError, TransientError } from '../../errors.ts';
import type { WaitCause } from './back-off.ts';

/** An entry that the other side refuses is tried again this late, unless it changes. */
const REJECTED_MS = 5 * 60_000;
const FULL_MS = 15_000;

/** True for every way in which a disk or a quota says that it is full. */
export function isFull(error: unknown): boolean {
  return error instanceof FullError || ['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(errnoOf(error) ?? '');
}

/** What must end before an entry is worth another try. */
export function causeOf(error: unknown): WaitCause {
  if (isFull(error)) return 'no-room';
  if (error instanceof TransientError) return 'unreachable';
  if (error instanceof StaleError) return 'moved-on';
  if (error instanceof RejectedError) return error.code === 'name-taken' ? 'moved-on' : 'refused';
  return 'other';
}

/** How long an entry rests after a failure, beyond the growing wait that every failure brings. Units: milliseconds. */
export function waitOf(error: unknown, cause: WaitCause): number {
  if (cause === 'no-room') return FULL_MS;
  if (error instanceof TransientError) return error.retryAfterMs ?? 0;
  return cause === 'refused' ? REJECTED_MS : 0;
}
