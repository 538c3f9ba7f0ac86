import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import type { CollaborationRow } from '../store/rows.ts';
import { type FieldTable, renderFields } from './fields.ts';
import { ItemRenderer } from './items.ts';
import { renderMiniGroup, renderMiniUser } from './users.ts';

const STANDARD = [
  'type',
  'id',
  'created_by',
  'created_at',
  'modified_at',
  'expires_at',
  'status',
  'accessible_by',
  'invite_email',
  'role',
  'acknowledged_at',
  'item',
  'is_access_only',
];

/** A collaboration as the actor sees it. */
export function renderCollaboration(
  box: Box,
  actor: Actor,
  row: CollaborationRow,
  asked?: readonly string[],
): Record<string, unknown> {
  const table: FieldTable<CollaborationRow> = {
    type: () => 'collaboration',
    id: () => String(row.id),
    created_by: () => (row.created_by === null ? null : renderMiniUser(box, row.created_by)),
    created_at: () => box.clock.format(row.created_at),
    modified_at: () => box.clock.format(row.modified_at),
    expires_at: () => box.clock.formatOrNull(row.expires_at),
    status: () => row.status,
    accessible_by: () =>
      row.group_id === null ? renderMiniUser(box, row.user_id ?? -1) : renderMiniGroup(box, row.group_id),
    invite_email: () => null,
    role: () => row.role,
    acknowledged_at: () => (row.status === 'accepted' ? box.clock.format(row.created_at) : null),
    is_access_only: () => false,
    can_view_path: () => row.can_view_path === 1,
    item: () => {
      const item = box.store.items.get(row.item_id);
      // Who has not accepted does not see the item. Source: OAS #Collaboration.
      const hidden = row.status !== 'accepted' && row.user_id === actor.user.id;
      return item === undefined || hidden
        ? null
        : new ItemRenderer(box).mini(box.access.recollect(actor, item));
    },
  };
  return renderFields(table, row, STANDARD, asked);
}
