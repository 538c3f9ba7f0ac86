import { z } from 'zod';
import { messageOf, TransientError } from '../../errors.ts';
import { remoteId } from '../../ids.ts';
import type { EntryKind, RemoteEntry, RemoteFile, RemoteFolder, RemoteUser } from '../tree/entry.ts';

/** The fields of an entry that the trees need, and no more. */
export const ENTRY_FIELDS = [
  'name',
  'sha1',
  'size',
  'parent',
  'item_status',
  'content_modified_at',
  'modified_at',
  'created_at',
  'created_by',
  'modified_by',
  'file_version',
] as const;

const optionalText = z.string().nullish();
const when = optionalText;
const user = z.object({ id: z.coerce.string(), name: optionalText }).nullish();

const itemSchema = z.object({
  type: z.string(),
  id: z.coerce.string(),
  etag: z.coerce.string().nullish(),
  name: z.string().default(''),
  parent: z.object({ id: z.coerce.string() }).nullish(),
  item_status: optionalText,
  sha1: optionalText,
  size: z.coerce.number().nullish(),
  file_version: z.object({ id: z.coerce.string() }).nullish(),
  content_modified_at: when,
  modified_at: when,
  created_at: when,
  created_by: user,
  modified_by: user,
});

/** One item as Box describes it, before it is known to be an entry. */
export type BoxItem = z.infer<typeof itemSchema>;

function malformed(what: string, problem: string): TransientError {
  return new TransientError({
    code: 'answer-malformed',
    message: `Box described ${what} in an unexpected way: ${problem}`,
  });
}

/** Read one item of an answer. Errors: TransientError 'answer-malformed'. */
export function readItem(json: unknown): BoxItem {
  const result = itemSchema.safeParse(json);
  if (result.success) return result.data;
  throw malformed('an item', messageOf(result.error));
}

const instantMs = (text: string | null | undefined): number => {
  const ms = Date.parse(text ?? '');
  return Number.isFinite(ms) ? ms : 0;
};

/** A mini user; Box leaves id and name empty for the root and for removed users. */
export function toUser(user: BoxItem['created_by']): RemoteUser | null {
  return user === null || user === undefined || user.id === ''
    ? null
    : { id: user.id, name: user.name ?? '' };
}

export function toFolder(item: BoxItem): RemoteFolder {
  if (item.type !== 'folder') throw malformed(`${item.type} ${item.id}`, 'expected a folder');
  const createdBy = toUser(item.created_by);
  return {
    kind: 'folder',
    id: remoteId(item.id),
    parentId: item.parent ? remoteId(item.parent.id) : null,
    name: item.name,
    etag: item.etag ?? '',
    ...(createdBy === null ? {} : { createdBy }),
  };
}

export function toFile(item: BoxItem): RemoteFile {
  if (item.type !== 'file') throw malformed(`${item.type} ${item.id}`, 'expected a file');
  if (!item.sha1 || typeof item.size !== 'number' || !item.file_version) {
    throw malformed(`file ${item.id}`, 'hash, size or version is missing');
  }
  const receivedAtMs = instantMs(item.modified_at ?? item.created_at);
  return {
    kind: 'file',
    id: remoteId(item.id),
    parentId: item.parent ? remoteId(item.parent.id) : null,
    name: item.name,
    etag: item.etag ?? '',
    content: {
      sha1: item.sha1.toLowerCase(),
      sizeBytes: item.size,
      modifiedAtMs: instantMs(item.content_modified_at ?? item.modified_at),
    },
    versionId: item.file_version.id,
    createdBy: toUser(item.created_by),
    modifiedBy: toUser(item.modified_by),
    receivedAtMs,
  };
}

/** The entry that an item is; undefined for what is neither file nor folder, or not active. */
export function toEntry(item: BoxItem): RemoteEntry | undefined {
  if (item.item_status && item.item_status !== 'active') return undefined;
  if (item.type === 'folder') return toFolder(item);
  return item.type === 'file' ? toFile(item) : undefined;
}

/** The kind that one of Box's type words names; undefined for anything else. */
export function kindOf(type: string | null | undefined): EntryKind | undefined {
  return type === 'file' || type === 'folder' ? type : undefined;
}

/** A time as Box takes it: whole seconds, UTC, never before 1970. */
export function toBoxTime(ms: number): string {
  const wholeMs = Math.max(0, Math.floor(ms / 1000) * 1000);
  return new Date(wholeMs).toISOString().replace('.000Z', '+00:00');
}
