import { z } from 'zod';
import { bodyOf } from '../http/body.ts';
import type { ActorContext } from '../http/context.ts';
import { given } from '../http/given.ts';
import { json, type Reply } from '../http/reply.ts';
import type { UploadSessionRow } from '../store/upload-sessions.ts';

const PARTS_MAX = 100_000;
const planSchema = z.object({
  parts: z
    .array(
      z.object({
        offset: z.number().int().min(0),
        size: z.number().int().min(0),
        sha512: given(z.string().max(128)),
      }),
    )
    .max(PARTS_MAX),
});

/**
 * Which of a session's parts need not be sent.
 *
 * Guarantees: none is ever left out: no content is known from other uploads, and parts that this session has are in its
 * list of parts. Source: Box's generated SDKs, which ask before every part of a new version.
 */
export async function plan(context: ActorContext, session: UploadSessionRow): Promise<Reply> {
  const { parts } = await bodyOf(context, planSchema);
  return json({ upload_session_id: session.id, hits: [], misses: parts });
}
