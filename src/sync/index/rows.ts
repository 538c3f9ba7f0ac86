import { z } from 'zod';
import { localId, remoteId } from '../../ids.ts';
import type { Content, LocalEntry, RemoteEntry, RemoteUser, SyncedEntry } from '../tree/entry.ts';
import type { SyncedNode } from '../tree/synced-tree.ts';

const kind = z.enum(['file', 'folder']);

const remoteRow = z.object({
  id: z.string(),
  parent_id: z.string().nullable(),
  name: z.string(),
  kind,
  etag: z.string(),
  sha1: z.string().nullable(),
  size_bytes: z.number().nullable(),
  modified_at_ms: z.number().nullable(),
  version_id: z.string().nullable(),
  created_by_id: z.string().nullable(),
  created_by_name: z.string().nullable(),
  modified_by_id: z.string().nullable(),
  modified_by_name: z.string().nullable(),
  received_at_ms: z.number().nullable(),
});

const localRow = z.object({
  id: z.number(),
  parent_id: z.number().nullable(),
  name: z.string(),
  kind,
  inode: z.string(),
  sha1: z.string().nullable(),
  size_bytes: z.number().nullable(),
  modified_at_ms: z.number().nullable(),
  changed_at_ms: z.number().nullable(),
});

const syncedRow = z.object({
  remote_id: z.string(),
  local_id: z.number().nullable(),
  parent_id: z.string().nullable(),
  name: z.string(),
  kind,
  sha1: z.string().nullable(),
  size_bytes: z.number().nullable(),
  modified_at_ms: z.number().nullable(),
});

interface ContentColumns {
  readonly sha1: string | null;
  readonly size_bytes: number | null;
  readonly modified_at_ms: number | null;
}

function contentOf(row: ContentColumns): Content {
  return { sha1: row.sha1 ?? '', sizeBytes: row.size_bytes ?? 0, modifiedAtMs: row.modified_at_ms ?? 0 };
}

function contentColumns(content: Content | null): ContentColumns {
  return {
    sha1: content?.sha1 ?? null,
    size_bytes: content?.sizeBytes ?? null,
    modified_at_ms: content === null ? null : content.modifiedAtMs,
  };
}

function userOf(id: string | null, name: string | null): RemoteUser | null {
  return id === null ? null : { id, name: name ?? '' };
}

/** Read a row of the remote tree. */
export function remoteFromRow(value: unknown): RemoteEntry {
  const row = remoteRow.parse(value);
  const base = {
    id: remoteId(row.id),
    parentId: row.parent_id === null ? null : remoteId(row.parent_id),
    name: row.name,
    etag: row.etag,
  };
  if (row.kind === 'folder') return { ...base, kind: 'folder' };
  return {
    ...base,
    kind: 'file',
    content: contentOf(row),
    versionId: row.version_id ?? '',
    createdBy: userOf(row.created_by_id, row.created_by_name),
    modifiedBy: userOf(row.modified_by_id, row.modified_by_name),
    receivedAtMs: row.received_at_ms ?? 0,
  };
}

/** The columns of a remote entry. */
export function remoteToRow(entry: RemoteEntry): z.infer<typeof remoteRow> {
  const file = entry.kind === 'file' ? entry : null;
  return {
    id: entry.id,
    parent_id: entry.parentId,
    name: entry.name,
    kind: entry.kind,
    etag: entry.etag,
    ...contentColumns(file?.content ?? null),
    version_id: file?.versionId ?? null,
    created_by_id: file?.createdBy?.id ?? null,
    created_by_name: file?.createdBy?.name ?? null,
    modified_by_id: file?.modifiedBy?.id ?? null,
    modified_by_name: file?.modifiedBy?.name ?? null,
    received_at_ms: file?.receivedAtMs ?? null,
  };
}

/** Read a row of the local tree. */
export function localFromRow(value: unknown): LocalEntry {
  const row = localRow.parse(value);
  const base = {
    id: localId(row.id),
    parentId: row.parent_id === null ? null : localId(row.parent_id),
    name: row.name,
    inode: row.inode,
  };
  if (row.kind === 'folder') return { ...base, kind: 'folder' };
  return { ...base, kind: 'file', content: contentOf(row), changedAtMs: row.changed_at_ms ?? 0 };
}

/** The columns of a local entry. */
export function localToRow(entry: LocalEntry): z.infer<typeof localRow> {
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
export function syncedFromRow(value: unknown): SyncedNode {
  const row = syncedRow.parse(value);
  return {
    id: remoteId(row.remote_id),
    remoteId: remoteId(row.remote_id),
    localId: row.local_id === null ? null : localId(row.local_id),
    parentId: row.parent_id === null ? null : remoteId(row.parent_id),
    name: row.name,
    kind: row.kind,
    content: row.kind === 'file' ? contentOf(row) : null,
  };
}

/** The columns of a synced entry. */
export function syncedToRow(entry: SyncedEntry): z.infer<typeof syncedRow> {
  return {
    remote_id: entry.remoteId,
    local_id: entry.localId,
    parent_id: entry.parentId,
    name: entry.name,
    kind: entry.kind,
    ...contentColumns(entry.content),
  };
}
