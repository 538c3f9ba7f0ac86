import type { Sight } from '../access/access.ts';
import { RIGHT, RIGHTS_OF_ROLE } from '../access/rights.ts';
import type { Box } from '../box.ts';
import { RawNumber } from '../http/raw-number.ts';
import { type ItemKind, type ItemRow, isExternal } from '../store/rows.ts';
import { type FieldTable, renderFields } from './fields.ts';
import { UNUSED_OF_FILES, UNUSED_OF_FOLDERS, UNUSED_OF_WEB_LINKS } from './unused-features.ts';
import { renderMiniUser } from './users.ts';

/** What an item's fields are written from. */
export interface ItemView {
  readonly box: Box;
  readonly sight: Sight;
  /** Only on GET folder: the first page of its entries. */
  readonly itemCollection?: unknown;
}

const MINI_FILE = ['type', 'id', 'file_version', 'sequence_id', 'etag', 'sha1', 'name'];
const MINI_FOLDER = ['type', 'id', 'sequence_id', 'etag', 'name'];
const MINI_WEB_LINK = ['type', 'id', 'sequence_id', 'etag', 'name', 'url'];
const STANDARD_TAIL = [
  'description',
  'size',
  'path_collection',
  'created_at',
  'modified_at',
  'trashed_at',
  'purged_at',
  'content_created_at',
  'content_modified_at',
  'created_by',
  'modified_by',
  'owned_by',
  'shared_link',
  'folder_upload_email',
  'parent',
  'item_status',
  'item_collection',
];
const FOLDER_ONLY = ['folder_upload_email', 'item_collection'];
const NOT_OF_WEB_LINKS = ['size', 'content_created_at', 'content_modified_at', ...FOLDER_ONLY];

const MINI: Readonly<Record<ItemKind, readonly string[]>> = {
  file: MINI_FILE,
  folder: MINI_FOLDER,
  web_link: MINI_WEB_LINK,
};
/** The fields that are shown when none are asked for. */
export const STANDARD: Readonly<Record<ItemKind, readonly string[]>> = {
  file: [...MINI_FILE, ...STANDARD_TAIL.filter((name) => !FOLDER_ONLY.includes(name))],
  folder: [...MINI_FOLDER, ...STANDARD_TAIL],
  web_link: [...MINI_WEB_LINK, ...STANDARD_TAIL.filter((name) => !NOT_OF_WEB_LINKS.includes(name))],
};

const DAY_MS = 86_400_000;
/** The root of an account as other items name it. */
export const ROOT = { type: 'folder', id: '0', sequence_id: null, etag: null, name: 'All Files' };
const TRASH = { type: 'folder', id: '1', sequence_id: null, etag: null, name: 'Trash' };

const miniFolder = (row: ItemRow) => ({
  type: 'folder',
  id: String(row.id),
  sequence_id: String(row.etag),
  etag: String(row.etag),
  name: row.name,
});

function pathCollection({ sight }: ItemView): unknown {
  const entries: unknown[] =
    sight.row.status === 'trashed'
      ? [TRASH]
      : [ROOT, ...sight.ancestors.slice(sight.visibleFrom).map(miniFolder)];
  return { total_count: entries.length, entries };
}

function parentOf({ sight }: ItemView): unknown {
  const parent = sight.ancestors.at(-1);
  return parent === undefined || sight.visibleFrom >= sight.ancestors.length ? ROOT : miniFolder(parent);
}

function permissionsOf({ sight }: ItemView): unknown {
  const has = (right: number) => (sight.rights & sight.allowed & right) === right;
  const common = {
    can_download: has(RIGHT.download),
    can_upload: has(sight.row.kind === 'file' ? RIGHT.edit : RIGHT.upload),
    can_rename: has(RIGHT.rename),
    can_delete: has(RIGHT.delete),
    can_share: has(RIGHT.invite),
    can_invite_collaborator: has(RIGHT.invite),
    can_set_share_access: has(RIGHT.manage),
  };
  if (sight.row.kind === 'folder') return common;
  return {
    ...common,
    can_preview: has(RIGHT.preview),
    can_comment: has(RIGHT.comment),
    can_annotate: has(RIGHT.comment),
    can_view_annotations_all: has(RIGHT.preview),
    can_view_annotations_self: has(RIGHT.preview),
  };
}

function sizeOf({ box, sight }: ItemView): unknown {
  const { row } = sight;
  return row.kind === 'web_link'
    ? undefined
    : row.kind === 'folder' && row.size >= box.settings.values.floatSizeFromBytes
      ? new RawNumber(row.size.toExponential())
      : row.size;
}

const extensionOf = (name: string) => (name.includes('.') ? name.slice(name.lastIndexOf('.') + 1) : '');

/** The lock as JSON; one that has run out is still shown. */
function lockOf(row: ItemRow): unknown {
  return row.lock === null ? null : (JSON.parse(row.lock) as unknown);
}

const DATES: FieldTable<ItemView> = {
  created_at: ({ box, sight }) => box.clock.format(sight.row.created_at),
  modified_at: ({ box, sight }) => box.clock.format(sight.row.modified_at),
  trashed_at: ({ box, sight }) => box.clock.formatOrNull(sight.row.trashed_at),
  purged_at: ({ box, sight }) => {
    const { trashed_at } = sight.row;
    return trashed_at === null
      ? null
      : box.clock.format(trashed_at + box.settings.values.trashLifetimeDays * DAY_MS);
  },
  content_created_at: ({ box, sight }) => box.clock.format(sight.row.content_created_at),
  content_modified_at: ({ box, sight }) => box.clock.format(sight.row.content_modified_at),
  expires_at: () => null,
};

const PEOPLE: FieldTable<ItemView> = {
  created_by: ({ box, sight }) => renderMiniUser(box, sight.row.created_by),
  modified_by: ({ box, sight }) => renderMiniUser(box, sight.row.modified_by),
  owned_by: ({ box, sight }) => renderMiniUser(box, sight.row.owner_id),
  uploader_display_name: ({ box, sight }) => box.store.users.get(sight.row.created_by)?.name ?? '',
  has_collaborations: ({ box, sight }) => box.store.collaborations.ofItem(sight.row.id).length > 0,
  is_externally_owned: ({ box, sight }) => {
    const owner = box.store.users.get(sight.row.owner_id);
    return owner !== undefined && isExternal(owner);
  },
  allowed_invitee_roles: ({ sight }) =>
    sight.row.kind === 'file' ? ['editor', 'viewer'] : Object.keys(RIGHTS_OF_ROLE),
};

const fileOnly = (row: ItemRow, value: unknown): unknown => (row.kind === 'file' ? value : undefined);

const ITEM_FIELDS: FieldTable<ItemView> = {
  type: ({ sight }) => sight.row.kind,
  id: ({ sight }) => String(sight.row.id),
  etag: ({ sight }) => String(sight.row.etag),
  sequence_id: ({ sight }) => String(sight.row.etag),
  name: ({ sight }) => sight.row.name,
  sha1: ({ sight }) => fileOnly(sight.row, sight.row.sha1),
  url: ({ sight }) => sight.row.url ?? undefined,
  file_version: ({ sight }) =>
    fileOnly(sight.row, { type: 'file_version', id: String(sight.row.version_id), sha1: sight.row.sha1 }),
  description: ({ sight }) => sight.row.description,
  size: sizeOf,
  path_collection: pathCollection,
  parent: parentOf,
  item_status: ({ sight }) => sight.row.status,
  item_collection: (view) => view.itemCollection,
  permissions: permissionsOf,
  tags: ({ sight }) => JSON.parse(sight.row.tags) as unknown,
  lock: ({ sight }) => fileOnly(sight.row, lockOf(sight.row)),
  version_number: ({ sight }) => fileOnly(sight.row, String(sight.row.version_number)),
  extension: ({ sight }) => fileOnly(sight.row, extensionOf(sight.row.name)),
  ...DATES,
  ...PEOPLE,
};

const FIELDS: Readonly<Record<ItemKind, FieldTable<ItemView>>> = {
  file: { ...ITEM_FIELDS, ...UNUSED_OF_FILES },
  folder: { ...ITEM_FIELDS, ...UNUSED_OF_FOLDERS },
  web_link: { ...ITEM_FIELDS, ...UNUSED_OF_WEB_LINKS },
};

/** Writes items, each as one user sees it. */
export class ItemRenderer {
  readonly #box: Box;

  constructor(box: Box) {
    this.#box = box;
  }

  /** As GET shows it: the standard fields, or base and asked ones. */
  standard(
    view: { readonly sight: Sight; readonly itemCollection?: unknown },
    asked?: readonly string[],
  ): Record<string, unknown> {
    const { kind } = view.sight.row;
    return renderFields(FIELDS[kind], { box: this.#box, ...view }, STANDARD[kind], asked);
  }

  /** As listings, conflicts and parents show it. */
  mini(sight: Sight, asked?: readonly string[]): Record<string, unknown> {
    const { kind } = sight.row;
    return renderFields(FIELDS[kind], { box: this.#box, sight }, MINI[kind], asked);
  }
}
