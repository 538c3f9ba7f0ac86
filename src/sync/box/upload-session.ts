import { z } from 'zod';
import { MilaError, TransientError } from '../../errors.ts';
import type { BoxBaseUrls } from './box-configuration.ts';
import { refusalOf } from './refusal.ts';
import { trustedAddress } from './trusted-address.ts';

const url = z.string().regex(/^https?:\/\//);

const sessionSchema = z.object({
  id: z.string().min(1),
  part_size: z.number().int().positive(),
  total_parts: z.number().int().positive(),
  session_expires_at: z.string().nullish(),
  session_endpoints: z.object({ upload_part: url, commit: url, abort: url, list_parts: url }),
});

const partSchema = z.object({
  part_id: z.string().min(1),
  offset: z.number().int().nonnegative(),
  size: z.number().int().positive(),
  sha1: z.string().nullish(),
});

/** A part that Box has; sent back word for word on commit. */
export type StoredPart = z.infer<typeof partSchema>;

const partAnswerSchema = z.object({ part: partSchema });
const partPageSchema = z.object({ entries: z.array(partSchema), total_count: z.number().nullish() });

/** An upload in parts, as Box opened it. */
export interface UploadSession {
  readonly id: string;
  readonly partSizeBytes: number;
  readonly totalParts: number;
  readonly endpoints: {
    readonly uploadPart: string;
    readonly commit: string;
    readonly abort: string;
    readonly listParts: string;
  };
}

/** What is kept over a restart: the session, and what it was opened for. */
export interface SavedSession extends UploadSession {
  readonly sha1: string;
  readonly sizeBytes: number;
  /** The folder and name, or the file and etag. */
  readonly target: string;
}

const savedSchema = z.object({
  id: z.string(),
  partSizeBytes: z.number().int().positive(),
  totalParts: z.number().int().positive(),
  endpoints: z.object({ uploadPart: url, commit: url, abort: url, listParts: url }),
  sha1: z.string(),
  sizeBytes: z.number(),
  target: z.string(),
});

function malformed(what: string): TransientError {
  return new TransientError({
    code: 'answer-malformed',
    message: `Box described ${what} in an unexpected way`,
  });
}

/** Errors: TransientError 'answer-malformed', also when a token would go to somebody else. */
export function readSession(json: unknown, baseUrls: BoxBaseUrls): UploadSession {
  const result = sessionSchema.safeParse(json);
  if (!result.success) throw malformed('an upload session');
  const { id, part_size, total_parts, session_endpoints } = result.data;
  return {
    id,
    partSizeBytes: part_size,
    totalParts: total_parts,
    endpoints: trustedEndpoints(
      {
        uploadPart: session_endpoints.upload_part,
        commit: session_endpoints.commit,
        abort: session_endpoints.abort,
        listParts: session_endpoints.list_parts,
      },
      baseUrls,
    ),
  };
}

/** Every part of an upload takes the token to these addresses. Errors: TransientError 'answer-malformed'. */
function trustedEndpoints(
  endpoints: UploadSession['endpoints'],
  baseUrls: BoxBaseUrls,
): UploadSession['endpoints'] {
  for (const address of Object.values(endpoints)) trustedAddress(address, 'an upload', baseUrls);
  return endpoints;
}

/** Errors: TransientError 'answer-malformed'. */
export function readStoredPart(json: unknown): StoredPart {
  const result = partAnswerSchema.safeParse(json);
  if (!result.success) throw malformed('an uploaded part');
  return result.data.part;
}

/** Errors: TransientError 'answer-malformed'. */
export function readStoredParts(json: unknown): { parts: readonly StoredPart[]; total: number | undefined } {
  const result = partPageSchema.safeParse(json);
  if (!result.success) throw malformed('the uploaded parts');
  return { parts: result.data.entries, total: result.data.total_count ?? undefined };
}

/** A saved session, if the text is one whose addresses are Box's; anything else is none. */
export function readSavedSession(text: string | undefined, baseUrls: BoxBaseUrls): SavedSession | undefined {
  if (text === undefined) return undefined;
  try {
    const saved = savedSchema.parse(JSON.parse(text));
    return { ...saved, endpoints: trustedEndpoints(saved.endpoints, baseUrls) };
  } catch {
    return undefined;
  }
}

/** Codes of a session that cannot go on; another one can. */
const LOST_SESSION = new Set(['session-expired', 'gone']);
const LOST_SESSION_CODES = new Set(['invalid_upload_session_id', 'upload_failed', 'session_expired']);

/** Whether an error says that the session is over, and another has to be opened. */
export function isLostSession(error: unknown): boolean {
  if (!(error instanceof MilaError)) return false;
  return LOST_SESSION.has(error.code) || LOST_SESSION_CODES.has(refusalOf(error)?.boxCode ?? '');
}
