import { z } from 'zod';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { refuse } from '../http/refusal.ts';
import type { ItemRow } from '../store/rows.ts';

const lockSchema = z.looseObject({
  id: z.string(),
  created_by: z.looseObject({ id: z.string() }),
  expires_at: z.string().nullable(),
  is_download_prevented: z.boolean(),
});

/** A file's lock. */
export type Lock = z.infer<typeof lockSchema>;

/** The lock that is in force; one that has run out may still be shown, but hinders nobody. */
export function activeLock(box: Box, row: ItemRow): Lock | undefined {
  if (row.lock === null) return undefined;
  const lock = lockSchema.parse(JSON.parse(row.lock));
  const expired = lock.expires_at !== null && Date.parse(lock.expires_at) <= box.clock.now();
  return expired ? undefined : lock;
}

const itemLocked = () => refuse(403, 'access_denied_item_locked', 'Access denied - item locked');

/** Errors: 403 `access_denied_item_locked` when another user holds the file's lock. */
export function requireUnlocked(box: Box, actor: Actor, row: ItemRow): void {
  const lock = activeLock(box, row);
  if (lock !== undefined && lock.created_by.id !== String(actor.user.id)) throw itemLocked();
}

/** Errors: 403 when another user's lock prevents downloads. */
export function requireDownloadUnlocked(box: Box, actor: Actor, row: ItemRow): void {
  const lock = activeLock(box, row);
  if (lock?.is_download_prevented === true && lock.created_by.id !== String(actor.user.id))
    throw itemLocked();
}
