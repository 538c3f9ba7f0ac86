/** Whether an account belongs to another enterprise, which is kept among its attributes. */
export function isExternal(user: UserRow): boolean {
  return (JSON.parse(user.details) as Readonly<Record<string, unknown>>)['external'] === true;
}

/** What kind of account a user is. */
export type UserKind = 'managed' | 'app' | 'service';

/** One account. Units: times in milliseconds since 1970. */
export interface UserRow {
  readonly id: number;
  readonly kind: UserKind;
  readonly role: 'admin' | 'coadmin' | 'user';
  readonly name: string;
  readonly login: string;
  readonly status: string;
  readonly created_at: number;
  readonly modified_at: number;
  readonly space_amount: number;
  readonly space_used: number;
  readonly external_app_user_id: string | null;
  /** JSON of the attributes that the emulator stores but does not act upon. */
  readonly details: string;
}

export interface GroupRow {
  readonly id: number;
  readonly name: string;
  readonly name_key: string;
  /** 1 when the app made it: the only groups an app with app access alone may touch. */
  readonly by_app: number;
  readonly created_at: number;
  readonly modified_at: number;
  readonly details: string;
}

export interface MembershipRow {
  readonly id: number;
  readonly user_id: number;
  readonly group_id: number;
  readonly role: 'member' | 'admin';
  readonly created_at: number;
  readonly modified_at: number;
}

export interface CollaborationRow {
  readonly id: number;
  readonly item_id: number;
  readonly user_id: number | null;
  readonly group_id: number | null;
  readonly role: string;
  readonly status: 'accepted' | 'pending' | 'rejected';
  readonly created_by: number | null;
  readonly created_at: number;
  readonly modified_at: number;
  readonly expires_at: number | null;
  readonly can_view_path: number;
}

export type ItemKind = 'file' | 'folder' | 'web_link';

/** Position of each kind in a listing: folders, then files, then web links. */
export const RANK_OF_KIND: Readonly<Record<ItemKind, number>> = { folder: 0, file: 1, web_link: 2 };

/** One item. `parent_id` 0 is the owner's root; a trashed folder's descendants keep the status "active". */
export interface ItemRow {
  readonly id: number;
  readonly kind: ItemKind;
  readonly rank: number;
  readonly parent_id: number;
  readonly owner_id: number;
  readonly name: string;
  readonly name_key: string;
  readonly etag: number;
  readonly status: 'active' | 'trashed';
  readonly created_at: number;
  readonly modified_at: number;
  readonly content_created_at: number;
  readonly content_modified_at: number;
  readonly created_by: number;
  readonly modified_by: number;
  readonly trashed_at: number | null;
  readonly description: string;
  /** Of a folder: the sum of all active files below it. */
  readonly size: number;
  readonly version_id: number | null;
  readonly sha1: string | null;
  readonly version_number: number;
  /** JSON of the lock, or null. */
  readonly lock: string | null;
  /** JSON list. */
  readonly tags: string;
  readonly url: string | null;
}

export interface VersionRow {
  readonly id: number;
  readonly item_id: number;
  readonly blob_id: string;
  readonly sha1: string;
  readonly size: number;
  readonly name: string;
  readonly number: number;
  readonly created_at: number;
  readonly modified_at: number;
  readonly modified_by: number;
  readonly trashed_at: number | null;
  readonly trashed_by: number | null;
  readonly restored_at: number | null;
  readonly restored_by: number | null;
}
