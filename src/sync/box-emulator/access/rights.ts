/** Single rights on an item, combined by bitwise or. */
export const RIGHT = {
  list: 1,
  preview: 2,
  download: 4,
  /** Create files and folders in a folder. */
  upload: 8,
  /** Add a version to a file. */
  edit: 16,
  /** Rename, move, describe. */
  rename: 32,
  delete: 64,
  comment: 128,
  lock: 256,
  invite: 512,
  /** Change others' collaborations and the item's settings. */
  manage: 1024,
  own: 2048,
} as const;

const VIEW = RIGHT.list | RIGHT.preview | RIGHT.comment;
const EDITOR =
  VIEW | RIGHT.download | RIGHT.upload | RIGHT.edit | RIGHT.rename | RIGHT.delete | RIGHT.lock | RIGHT.invite;

/** All that an owner may do. */
export const OWNER_RIGHTS = EDITOR | RIGHT.manage | RIGHT.own;

/**
 * What each collaboration role allows.
 *
 * Source: support.box.com 360044196413 (table of roles); a viewer uploader may change content but not names.
 */
export const RIGHTS_OF_ROLE: Readonly<Record<string, number>> = {
  'co-owner': EDITOR | RIGHT.manage,
  editor: EDITOR,
  'viewer uploader': VIEW | RIGHT.download | RIGHT.upload | RIGHT.edit | RIGHT.lock,
  'previewer uploader': VIEW | RIGHT.upload,
  viewer: VIEW | RIGHT.download,
  previewer: VIEW,
  uploader: RIGHT.list | RIGHT.upload,
};

/** Roles that a single file can be shared with. */
export const FILE_ROLES: readonly string[] = ['editor', 'viewer'];

const ALL = OWNER_RIGHTS;
const READ = RIGHT.list | RIGHT.preview | RIGHT.download;

/** What each scope of a token lets its user's rights through. Source: developer.box.com guides, scopes and downscoping. */
export const RIGHTS_OF_SCOPE: Readonly<Record<string, number>> = {
  root_readonly: READ,
  root_readwrite: ALL,
  gcm: READ,
  base_explorer: RIGHT.list,
  base_picker: RIGHT.list,
  base_preview: RIGHT.list | RIGHT.preview,
  base_sidebar: RIGHT.list,
  base_upload: RIGHT.list | RIGHT.upload | RIGHT.edit,
  item_read: RIGHT.list,
  item_preview: RIGHT.list | RIGHT.preview,
  item_download: RIGHT.list | RIGHT.preview | RIGHT.download,
  item_upload: RIGHT.list | RIGHT.upload | RIGHT.edit,
  item_rename: RIGHT.list | RIGHT.rename,
  item_delete: RIGHT.list | RIGHT.delete,
  item_share: RIGHT.list | RIGHT.invite,
};
