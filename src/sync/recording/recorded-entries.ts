import { errnoOf, MilaError } from '../../errors.ts';
import { remoteId } from '../../ids.ts';
import type { RemoteEntry } from '../tree/entry.ts';
import type { RecordedFault, RecordedRemoteEntry } from './recording-line.ts';

/** An entry as a recording holds it. */
export function recordedEntry(entry: RemoteEntry): RecordedRemoteEntry {
  const { id, parentId, name, etag } = entry;
  const base = { id, parent_id: parentId, name, etag };
  if (entry.kind === 'folder')
    return {
      kind: 'folder',
      ...base,
    };
  const { content, versionId, createdBy, modifiedBy, receivedAtMs } = entry;
  return {
    kind: 'file',
    ...base,
    sha1: content.sha1,
    size_bytes: content.sizeBytes,
    modified_at_ms: content.modifiedAtMs,
    version: versionId,
    created_by: createdBy && { id: createdBy.id, name: createdBy.name },
    modified_by: modifiedBy && { id: modifiedBy.id, name: modifiedBy.name },
    received_at_ms: receivedAtMs,
  };
}

/** An entry out of a recording. */
export function entryFromRecording(entry: RecordedRemoteEntry): RemoteEntry {
  const base = {
    id: remoteId(entry.id),
    parentId: entry.parent_id === null ? null : remoteId(entry.parent_id),
    name: entry.name,
    etag: entry.etag,
  };
  if (entry.kind === 'folder')
    return { kind: 'folder', ...base, ...(entry.created_by ? { createdBy: entry.created_by } : {}) };
  const { sha1, size_bytes: sizeBytes, modified_at_ms: modifiedAtMs } = entry;
  return {
    kind: 'file',
    ...base,
    content: { sha1, sizeBytes, modifiedAtMs },
    versionId: entry.version,
    createdBy: entry.created_by,
    modifiedBy: entry.modified_by,
    receivedAtMs: entry.received_at_ms,
  };
}

/** A fault without its words: messages may quote addresses, and addresses may carry tokens. */
export function recordedFault(error: unknown): RecordedFault {
  if (error instanceof MilaError) return { class: error.name, code: error.code };
  return { class: error instanceof Error ? error.name : typeof error, code: errnoOf(error) ?? null };
}
