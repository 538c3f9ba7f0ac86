import { localId, remoteId } from '../../ids.ts';
import type { Content, EntryKind, LocalEntry, RemoteEntry, SyncedEntry } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';
import type { Interner } from './interner.ts';

interface NodeColumns extends ContentColumns {
  readonly name: string;
  readonly kind: EntryKind;
}

/** A row of the remote tree. Its table is STRICT and checks the kind, so SQLite answers for the types. */
export interface RemoteRow extends NodeColumns {
  readonly id: string;
  readonly parent_id: string | null;
  readonly etag: string;
  readonly version_id: string | null;
  readonly created_by_id: string | null;
  readonly created_by_name: string | null;
  readonly modified_by_id: string | null;
  readonly modified_by_name: string | null;
  readonly received_at_ms: number | null;
}

/** A row of the local tree, from a STRICT table. */
export interface LocalRow extends NodeColumns {
  readonly id: number;
  readonly parent_id: number | null;
  readonly inode: string;
  readonly changed_at_ms: number | null;
}

/** A row of the synced tree, from a STRICT table. */
export interface SyncedRow extends NodeColumns {
  readonly remote_id: string;
  readonly local_id: number | null;
  readonly parent_id: string | null;
}

interface ContentColumns {
  readonly sha1: string | null;
  readonly size_bytes: number | null;
  readonly modified_at_ms: number | null;
}

function contentOf(row: ContentColumns, interner: Interner): Content {
  return interner.content(row.sha1 ?? '', row.size_bytes ?? 0, row.modified_at_ms ?? 0);
}

function contentColumns(content: Content | null): ContentColumns {
  return {
    sha1: content?.sha1 ?? null,
    size_bytes: content?.sizeBytes ?? null,
    modified_at_ms: content === null ? null : content.modifiedAtMs,
  };
}

// The entries are built whole, field by field: objects put together from others take half as much memory again.

/** Read a row of the remote tree. */
export function remoteFromRow(row: RemoteRow, interner: Interner): RemoteEntry {
  const id = remoteId(interner.text(row.id));
  const parentId = row.parent_id === null ? null : remoteId(interner.text(row.parent_id));
  const name = interner.text(row.name);
  const etag = interner.text(row.etag);
  const createdBy = interner.user(row.created_by_id, row.created_by_name);
  if (row.kind === 'folder')
    return createdBy === null
      ? { kind: 'folder', id, parentId, name, etag }
      : { kind: 'folder', id, parentId, name, etag, createdBy };
  return {
    kind: 'file',
    id,
    parentId,
    name,
    etag,
    content: contentOf(row, interner),
    versionId: row.version_id ?? '',
    createdBy,
    modifiedBy: interner.user(row.modified_by_id, row.modified_by_name),
    receivedAtMs: row.received_at_ms ?? 0,
  };
}

/** The columns of a remote entry. */
export function remoteToRow(entry: RemoteEntry): RemoteRow {
  const file = entry.kind === 'file' ? entry : null;
  return {
    id: entry.id,
    parent_id: entry.parentId,
    name: entry.name,
    kind: entry.kind,
    etag: entry.etag,
    ...contentColumns(file?.content ?? null),
    version_id: file?.versionId ?? null,
    created_by_id: entry.createdBy?.id ?? null,
    created_by_name: entry.createdBy?.name ?? null,
    modified_by_id: file?.modifiedBy?.id ?? null,
    modified_by_name: file?.modifiedBy?.name ?? null,
    received_at_ms: file?.receivedAtMs ?? null,
  };
}

/** Read a row of the local tree. */
export function localFromRow(row: LocalRow, interner: Interner): LocalEntry {
  const id = localId(row.id);
  const parentId = row.parent_id === null ? null : localId(row.parent_id);
  const name = interner.text(row.name);
  const { inode } = row;
  if (row.kind === 'folder') return { kind: 'folder', id, parentId, name, inode };
  const content = contentOf(row, interner);
  return { kind: 'file', id, parentId, name, inode, content, changedAtMs: row.changed_at_ms ?? 0 };
}

/** The columns of a local entry. */
export function localToRow(entry: LocalEntry): LocalRow {
  const file = entry.kind === 'file' ? entry : null;
  return {
    id: entry.id,
    parent_id: entry.parentId,
    name: entry.name,
    kind: entry.kind,
    inode: entry.inode,
    ...contentColumns(file?.content ?? null),
    changed_at_ms: file?.changedAtMs ?? null,
  };
}

/** Read a row of the synced tree. */
export function syncedFromRow(row: SyncedRow, interner: Interner): SyncedNode {
  const id = remoteId(interner.text(row.remote_id));
  return {
    id,
    remoteId: id,
    localId: row.local_id === null ? null : localId(row.local_id),
    parentId: row.parent_id === null ? null : remoteId(interner.text(row.parent_id)),
    name: interner.text(row.name),
    // Not the row's own text, of which each row has a copy.
    kind: row.kind === 'file' ? 'file' : 'folder',
    content: row.kind === 'file' ? contentOf(row, interner) : null,
  };
}

/** The columns of a synced entry. */
export function syncedToRow(entry: SyncedEntry): SyncedRow {
  return {
    remote_id: entry.remoteId,
    local_id: entry.localId,
    parent_id: entry.parentId,
    name: entry.name,
    kind: entry.kind,
    ...contentColumns(entry.content),
  };
}
