import type { Box } from '../box.ts';
import { refuse } from '../http/refusal.ts';
import type { ItemRow } from '../store/rows.ts';

/** Errors: 409 `operation_blocked_temporary` while a folder operation holds any of these. */
export function requireUnblocked(box: Box, chain: readonly ItemRow[]): void {
  if (box.settings.values.folderOperationMs === 0) return;
  const now = box.clock.monotonic();
  if (chain.some((row) => box.blocked.isHeld(row.id, now)))
    throw refuse(
      409,
      'operation_blocked_temporary',
      'The operation is blocked by another on-going operation',
    );
}

/** Hold the source and the destination of a folder operation for as long as the settings say. */
export function holdSubtrees(box: Box, ...folderIds: readonly number[]): void {
  const { folderOperationMs } = box.settings.values;
  if (folderOperationMs === 0) return;
  const until = box.clock.monotonic() + folderOperationMs;
  for (const id of folderIds) if (id !== 0) box.blocked.hold(id, until);
}
