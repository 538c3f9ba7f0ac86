import { z } from 'zod';
import { randomName } from '../../../random.ts';
import { RIGHT } from '../access/rights.ts';
import type { Actor } from '../auth/actor.ts';
import type { Box } from '../box.ts';
import { announcedSha1 } from '../content/digest.ts';
import { writePart } from '../content/part-writer.ts';
import { bodyOf } from '../http/body.ts';
import { type ActorContext, header, idOf, idParam } from '../http/context.ts';
import { given, idSchema } from '../http/given.ts';
import { limitParam, numberParam } from '../http/query.ts';
import { badRequest, invalidParameter, missingParameter, refuse } from '../http/refusal.ts';
import { empty, json, type Reply } from '../http/reply.ts';
import { api, type Route } from '../http/route.ts';
import { requireUnblocked } from '../operations/blocked.ts';
import { type Destination, destinationOf, requireFreeName } from '../operations/place.ts';
import { requireSpace } from '../operations/tree-operations.ts';
import {
  discardSession,
  forgetExpiredSessions,
  openSession,
  ownSession,
  renderPart,
  renderSession,
  visibleParts,
} from '../operations/upload-session-state.ts';
import { acceptedName } from '../store/names.ts';
import type { UploadPartRow, UploadSessionRow } from '../store/upload-sessions.ts';
import { requireVersionable, versionName } from './content.ts';
import { commit } from './upload-commit.ts';
import { plan } from './upload-plan.ts';

const createSchema = z.object({
  folder_id: given(idSchema),
  file_size: z.unknown().optional(),
  file_name: given(z.string()),
});

function requireSize(box: Box, size: unknown): number {
  if (size === undefined || size === null) throw refuse(400, 'missing_file_size', 'file_size is required');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw refuse(400, 'invalid_file_size', 'file_size is not valid');
  if (size < box.settings.values.chunkedMinimumBytes)
    throw refuse(400, 'file_size_too_small', 'The file size is below the minimum for chunked uploads');
  return size;
}

function sessionDestination(box: Box, actor: Actor, folderId: string | undefined): Destination {
  if (folderId === undefined) throw refuse(400, 'missing_destination', 'folder_id is required');
  if (!/^\d+$/.test(folderId)) throw refuse(400, 'invalid_folder_id', 'folder_id is not valid');
  try {
    return destinationOf(box, actor, idOf(folderId), RIGHT.upload);
  } catch (error) {
    const message = 'folder_id is not a folder that can be accessed';
    const unknown = refuse(404, 'invalid_parameter', message, {
      errors: [{ reason: 'invalid_parameter', name: 'folder_id', message }],
    });
    throw error instanceof Error && 'status' in error && error.status === 404 ? unknown : error;
  }
}

async function create(box: Box, context: ActorContext): Promise<Reply> {
  const body = await bodyOf(context, createSchema);
  const place = sessionDestination(box, context.actor, body.folder_id);
  if (body.file_name === undefined) throw refuse(400, 'missing_file_name', 'file_name is required');
  const size = requireSize(box, body.file_size);
  const name = acceptedName(body.file_name, 'file', box.settings.values);
  if (place.sight !== null) requireUnblocked(box, [...place.sight.ancestors, place.sight.row]);
  requireFreeName(box, context.actor, place, name);
  requireSpace(box, place.ownerId, size);
  return start(box, context, { item_id: null, parent_id: place.parentId, name, size });
}

async function createForVersion(box: Box, context: ActorContext): Promise<Reply> {
  const id = idParam(context);
  const body = await bodyOf(context, createSchema);
  const sight = requireVersionable(box, context, id);
  const size = requireSize(box, body.file_size);
  const name = versionName(box, context, sight, body.file_name);
  requireSpace(box, sight.row.owner_id, size);
  return start(box, context, { item_id: id, parent_id: sight.row.parent_id, name, size });
}

async function start(
  box: Box,
  context: ActorContext,
  wanted: Pick<UploadSessionRow, 'item_id' | 'parent_id' | 'name' | 'size'>,
): Promise<Reply> {
  await forgetExpiredSessions(box);
  const now = box.clock.now();
  const session: UploadSessionRow = {
    ...wanted,
    id: randomName(box.random, 32).toUpperCase(),
    user_id: context.actor.user.id,
    part_size: box.settings.values.partSizeBytes,
    blob_id: await box.store.blobs.reserve(wanted.size),
    created_at: now,
    expires_at: now + box.settings.values.uploadSessionLifetimeS * 1000,
    commits: 0,
    committed: 0,
  };
  box.store.uploads.insert(session);
  return json(renderSession(box, session), 201);
}

const sessionOf = (box: Box, context: ActorContext) =>
  openSession(box, context.actor, context.params['session'] ?? '');

const badRange = (message: string) => refuse(416, 'range_not_satisfiable', message);

interface AnnouncedPart {
  readonly start: number;
  readonly end: number;
  readonly sha1: string;
}

/** Source: developer.box.com guides uploads/chunked/upload-part. */
function announcedPart(context: ActorContext, session: UploadSessionRow): AnnouncedPart {
  const sent = header(context, 'content-range')?.trim();
  if (sent === undefined) throw missingParameter('content-range');
  const range = /^bytes\s+(\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(sent);
  if (range === null)
    throw invalidParameter('content-range', "Invalid value. 'bytes FIRST-LAST/TOTAL' is expected.");
  const sha1 = announcedSha1(context);
  const [start, end, total] = [Number(range[1]), Number(range[2]), Number(range[3])];
  if (total !== session.size) throw badRange('The total size is not that of the session');
  if (start % session.part_size !== 0) throw badRange('The offset is not a multiple of the part size');
  const expectedEnd = Math.min(start + session.part_size, session.size) - 1;
  if (start >= session.size || end !== expectedEnd)
    throw badRange('The range is not that of a part of the session');
  return { start, end, sha1 };
}

async function uploadPart(box: Box, context: ActorContext): Promise<Reply> {
  const session = sessionOf(box, context);
  const announced = announcedPart(context, session);
  const release = await box.reservations.holdPart(session.id, announced.start);
  try {
    requireNoOverlap(box, session, announced);
    const sha1 = await writePart(box.store.blobs.pathOf(session.blob_id), announced, context.body());
    if (sha1 === undefined)
      throw badRequest({
        reason: 'invalid_parameter',
        name: 'content-range',
        message: 'The body does not fill the range',
      });
    if (sha1 !== announced.sha1) throw refuse(412, 'bad_digest', 'The part is not what its digest says');
    sessionOf(box, context);
    const part: UploadPartRow = {
      session_id: session.id,
      part_id: Math.floor(box.random.next() * 2 ** 32)
        .toString(16)
        .toUpperCase()
        .padStart(8, '0'),
      offset: announced.start,
      size: announced.end - announced.start + 1,
      sha1,
      received_at: box.clock.now(),
    };
    box.store.uploads.addPart(part);
    return json({ part: renderPart(part) });
  } finally {
    release();
  }
}

/** Parts never change: one that arrived stays, and its bytes are never written again. */
function requireNoOverlap(box: Box, session: UploadSessionRow, range: AnnouncedPart): void {
  const present = box.store.uploads.overlapping(session.id, range.start, range.end);
  if (present === undefined) return;
  const message = `Part overlaps with previously uploaded part: {id: ${present.part_id}}`;
  throw refuse(416, 'range_overlaps_existing_part', message);
}

function listParts(box: Box, context: ActorContext): Reply {
  const parts = visibleParts(box, sessionOf(box, context));
  const limit = limitParam(context, 1000);
  const offset = numberParam(context, 'offset', 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
  return json({
    entries: parts.slice(offset, offset + limit).map(renderPart),
    limit,
    offset,
    order: [{ by: 'offset', direction: 'ASC' }],
    total_count: parts.length,
  });
}

/** One that was committed may be given up as well, which changes nothing: Box's clients end every upload so. */
async function abort(box: Box, context: ActorContext): Promise<Reply> {
  const session = ownSession(box, context.actor, context.params['session'] ?? '');
  if (session.committed === 0) await discardSession(box, session);
  return empty();
}

/** Uploads in parts. */
export function uploadSessionRoutes(box: Box): readonly Route[] {
  const one = '/2.0/files/upload_sessions/:session';
  return [
    api('POST', '/2.0/files/upload_sessions', (context) => create(box, context)),
    api('POST', '/2.0/files/:id/upload_sessions', (context) => createForVersion(box, context)),
    api('GET', one, (context) => json(renderSession(box, sessionOf(box, context)))),
    api('PUT', one, (context) => uploadPart(box, context), { upload: true }),
    api('DELETE', one, (context) => abort(box, context)),
    api('GET', `${one}/parts`, (context) => listParts(box, context)),
    api('POST', `${one}/plan`, (context) => plan(context, sessionOf(box, context))),
    api('POST', `${one}/commit`, (context) => commit(box, context, sessionOf(box, context))),
  ];
}
