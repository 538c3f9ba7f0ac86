/** Fields of features that are not emulated, as they look where the feature was never used. */
const OF_ALL = {
  shared_link: () => null,
  watermark_info: () => ({ is_watermarked: false }),
  is_accessible_via_shared_link: () => false,
  is_associated_with_app_item: () => false,
  classification: () => null,
  metadata: () => ({}),
} as const;

/** Those of folders, the root among them. */
export const UNUSED_OF_FOLDERS = {
  ...OF_ALL,
  folder_upload_email: () => null,
  sync_state: () => 'not_synced',
  can_non_owners_invite: () => true,
  can_non_owners_view_collaborators: () => true,
  is_collaboration_restricted_to_enterprise: () => false,
  allowed_shared_link_access_levels: () => [],
} as const;

/** Those of files. */
export const UNUSED_OF_FILES = {
  ...OF_ALL,
  comment_count: () => 0,
  is_package: () => false,
  disposition_at: () => null,
  expiring_embed_link: () => null,
  representations: () => ({ entries: [] }),
  shared_link_permission_options: () => [],
} as const;

/** Those of web links. */
export const UNUSED_OF_WEB_LINKS = { shared_link: OF_ALL.shared_link } as const;
