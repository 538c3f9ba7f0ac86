import type { Box } from '../box.ts';
import { type FieldTable, renderFields } from './fields.ts';
import { ROOT, STANDARD } from './items.ts';
import { UNUSED_OF_FOLDERS } from './unused-features.ts';
import { renderMiniUser } from './users.ts';

/** What the root's fields are written from: it has no row of its own. */
export interface RootView {
  readonly box: Box;
  readonly ownerId: number;
  readonly size: number;
  readonly itemCollection: unknown;
}

/** Source: recorded answers for the standard fields; the SDKs' own tests for some others. */
const ROOT_FIELDS: FieldTable<RootView> = {
  ...Object.fromEntries(Object.entries(ROOT).map(([name, value]) => [name, () => value])),
  created_at: () => null,
  modified_at: () => null,
  description: () => '',
  size: ({ size }) => size,
  path_collection: () => ({ total_count: 0, entries: [] }),
  created_by: () => ({ type: 'user', id: '', name: '', login: '' }),
  modified_by: ({ box, ownerId }) => renderMiniUser(box, ownerId),
  trashed_at: () => null,
  purged_at: () => null,
  content_created_at: () => null,
  content_modified_at: () => null,
  owned_by: ({ box, ownerId }) => renderMiniUser(box, ownerId),
  parent: () => null,
  item_status: () => 'active',
  item_collection: ({ itemCollection }) => itemCollection,
  tags: () => [],
  has_collaborations: () => false,
  is_externally_owned: () => false,
  allowed_invitee_roles: () => [],
  permissions: () => ({
    can_download: true,
    can_upload: true,
    can_rename: false,
    can_delete: false,
    can_share: false,
    can_invite_collaborator: false,
    can_set_share_access: false,
  }),
  ...UNUSED_OF_FOLDERS,
};

/** The root of an account, with the fields that a folder has. */
export function renderRoot(view: RootView, asked?: readonly string[]): Record<string, unknown> {
  return renderFields(ROOT_FIELDS, view, STANDARD.folder, asked);
}
