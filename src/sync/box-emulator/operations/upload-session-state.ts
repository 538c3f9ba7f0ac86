import { rm } from 'node:fs/promises';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { refuse } from '../http/refusal.ts';
import type { UploadPartRow, UploadSessionRow } from '../store/upload-sessions.ts';

/** A session that still takes parts. Errors: as `ownSession`, and 404 for one that was committed. */
export function openSession(box: Box, actor: Actor, id: string): UploadSessionRow {
  const session = ownSession(box, actor, id);
  if (session.committed === 1) throw refuse(404, 'not_found', 'Not Found');
  return session;
}

/** A session, open or committed. Errors: 400 for an id that is none, 404 unknown, 403 another user's, 410 expired. */
export function ownSession(box: Box, actor: Actor, id: string): UploadSessionRow {
  if (!/^[0-9A-Za-z]{32}$/.test(id))
    throw refuse(
      400,
      'invalid_upload_session_id',
      'The upload session ID provided in the URL is not of a valid format.',
    );
  const session = box.store.uploads.get(id);
  if (session === undefined) throw refuse(404, 'not_found', 'Not Found');
  if (session.user_id !== actor.user.id) throw refuse(403, 'forbidden', 'Forbidden');
  if (session.expires_at <= box.clock.now())
    throw refuse(410, 'session_expired', 'The upload session has expired');
  return session;
}

/** Parts that listing and commit already know of. */
export function visibleParts(box: Box, session: UploadSessionRow): readonly UploadPartRow[] {
  const since = box.clock.now() - box.settings.values.partVisibleAfterMs;
  return box.store.uploads.parts(session.id).filter((part) => part.received_at <= since);
}

/** A part as it is written on the wire. */
export function renderPart(part: UploadPartRow): Record<string, unknown> {
  return { part_id: part.part_id, offset: part.offset, size: part.size, sha1: part.sha1 };
}

/** A session as it is written on the wire; its addresses are absolute and stand on the second origin. */
export function renderSession(box: Box, session: UploadSessionRow): Record<string, unknown> {
  const url = `${box.addresses().edge}/api/2.0/files/upload_sessions/${session.id}`;
  return {
    id: session.id,
    type: 'upload_session',
    session_expires_at: box.clock.format(session.expires_at),
    part_size: session.part_size,
    total_parts: Math.ceil(session.size / session.part_size),
    num_parts_processed: visibleParts(box, session).length,
    session_endpoints: {
      upload_part: url,
      commit: `${url}/commit`,
      abort: url,
      list_parts: `${url}/parts`,
      status: url,
      plan: `${url}/plan`,
      log_event: `${url}/log`,
    },
  };
}

/** Forget a session and throw its bytes away. */
export async function discardSession(box: Box, session: UploadSessionRow): Promise<void> {
  const path = box.store.transaction(() => {
    box.store.uploads.remove(session.id);
    // A committed one has given its content to a file.
    if (session.committed === 1) return undefined;
    return box.store.blobs.remove(session.blob_id);
  });
  if (path !== undefined) await rm(path, { force: true });
}

/** Sessions that ran out keep answering 410 for as long again, then they are forgotten. */
export async function forgetExpiredSessions(box: Box): Promise<void> {
  const before = box.clock.now() - box.settings.values.uploadSessionLifetimeS * 1000;
  for (const session of box.store.uploads.expiredBefore(before)) await discardSession(box, session);
}
