import { z } from 'zod';
import type { Box } from '../box.ts';
import { announcedSha1 } from '../content/digest.ts';
import { hashFile } from '../content/part-writer.ts';
import { timeSchema } from '../content/upload-form.ts';
import { bodyOf } from '../http/body.ts';
import { requireNoMatch } from '../http/conditions.ts';
import type { ActorContext } from '../http/context.ts';
import { given } from '../http/given.ts';
import { refuse } from '../http/refusal.ts';
import { empty, type Reply } from '../http/reply.ts';
import { destinationOf, requireFreeName } from '../operations/place.ts';
import { addVersion, type Content, createFile, type FileAttributes } from '../operations/tree-operations.ts';
import { openSession, visibleParts } from '../operations/upload-session-state.ts';
import type { ItemRow } from '../store/rows.ts';
import type { UploadSessionRow } from '../store/upload-sessions.ts';
import { requireVersionable, uploadReply, versionName } from './content.ts';

const PARTS_MAX = 100_000;

const commitSchema = z.object({
  parts: z
    .array(
      z.object({
        part_id: z.string().max(64),
        offset: z.number(),
        size: z.number(),
        sha1: given(z.string().max(64)),
      }),
    )
    .max(PARTS_MAX),
  attributes: z
    .object({
      content_created_at: timeSchema.nullish(),
      content_modified_at: timeSchema.nullish(),
      description: z.string().nullish(),
    })
    .nullish(),
});

type CommitBody = z.infer<typeof commitSchema>;

/** Errors: 400 `parts_mismatch` unless the listed parts are known by now and fill the whole file. */
function requireParts(box: Box, session: UploadSessionRow, listed: CommitBody['parts']): void {
  const known = new Map(visibleParts(box, session).map((part) => [part.offset, part]));
  let covered = 0;
  for (const part of [...listed].sort((left, right) => left.offset - right.offset)) {
    const found = known.get(part.offset);
    const same =
      found !== undefined &&
      found.part_id === part.part_id &&
      found.size === part.size &&
      found.sha1 === part.sha1?.toLowerCase();
    if (!same)
      throw refuse(400, 'parts_mismatch', `No matching part found on server for ${JSON.stringify(part)}`);
    if (part.offset === covered) covered += part.size;
  }
  if (covered !== session.size)
    throw refuse(400, 'parts_mismatch', `The parts cover ${covered} of ${session.size} bytes`);
}

/** Turn a session's parts into a file or a version. */
export async function commit(box: Box, context: ActorContext, session: UploadSessionRow): Promise<Reply> {
  const body = await bodyOf(context, commitSchema);
  const announced = announcedSha1(context);
  if (session.item_id !== null)
    requireNoMatch(context, requireVersionable(box, context, session.item_id).row.etag);
  requireParts(box, session, body.parts);
  if (session.commits < box.settings.values.commitProcessingAnswers) {
    box.store.uploads.countCommit(session.id);
    return empty(202, { 'retry-after': String(box.settings.values.commitRetryAfterS) });
  }
  const release = box.reservations.reserveCommit(session.id, () =>
    refuse(409, 'conflict', 'The upload session is already being committed'),
  );
  try {
    const sha1 = await hashFile(box.store.blobs.pathOf(session.blob_id));
    if (sha1 !== announced)
      throw refuse(400, 'bad_digest', 'The specified digest did not match what we received');
    // It may have been given up, or committed, meanwhile.
    openSession(box, context.actor, session.id);
    const content: Content = { kind: 'shared', blobId: session.blob_id, sha1, size: session.size };
    const row = box.store.transaction(() => {
      const made = record(box, context, session, body, content);
      box.store.uploads.finish(session.id);
      return made;
    });
    return uploadReply(box, context, row, 201);
  } finally {
    release();
  }
}

function record(
  box: Box,
  context: ActorContext,
  session: UploadSessionRow,
  body: CommitBody,
  content: Content,
): ItemRow {
  const attributes = (name: string): FileAttributes => ({
    name,
    contentCreatedAt: body.attributes?.content_created_at ?? undefined,
    contentModifiedAt: body.attributes?.content_modified_at ?? undefined,
  });
  if (session.item_id === null) {
    const place = destinationOf(box, context.actor, session.parent_id);
    requireFreeName(box, context.actor, place, session.name);
    return createFile(box, context.actor, place, {
      attributes: attributes(session.name),
      content,
      description: body.attributes?.description ?? '',
    });
  }
  const sight = requireVersionable(box, context, session.item_id);
  const name = versionName(box, context, sight, session.name);
  return addVersion(box, context.actor, sight.row, { attributes: attributes(name), content });
}
