import { z } from 'zod';
import { MilaError } from '../../errors.ts';

/** The item that already holds a name. */
export interface Conflict {
  readonly id: string;
  readonly type: string;
  readonly name: string | undefined;
  readonly sha1: string | undefined;
}

/** What Box said when it refused, as far as it said anything. */
export interface Refusal {
  readonly status: number;
  /** Box's own code, such as `item_name_in_use`; on the token endpoint its `error`. */
  readonly boxCode: string | undefined;
  readonly message: string | undefined;
  readonly requestId: string | undefined;
  readonly conflict: Conflict | undefined;
  /** The answer's Date header: Box's clock. */
  readonly date: string | undefined;
}

const conflictSchema = z.object({
  id: z.coerce.string(),
  type: z.string().default('file'),
  name: z.string().optional(),
  sha1: z.string().optional(),
});

const bodySchema = z.object({
  code: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  request_id: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  error_description: z.string().optional().catch(undefined),
  context_info: z
    .object({
      // An object for files, a list for folders: an old inconsistency of Box.
      conflicts: z
        .union([conflictSchema, z.array(conflictSchema)])
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** Read an error's body, which may be Box's JSON, a proxy's page, or nothing. */
export function readRefusal(
  status: number,
  headers: Readonly<Record<string, string>>,
  text: string,
): Refusal {
  let body: z.infer<typeof bodySchema> = {};
  try {
    body = bodySchema.catch({}).parse(JSON.parse(text));
  } catch {
    // Not JSON: the status has to tell.
  }
  const conflicts = body.context_info?.conflicts;
  const first = Array.isArray(conflicts) ? conflicts[0] : conflicts;
  return {
    status,
    date: headers['date'],
    boxCode: body.code ?? body.error,
    message: body.message ?? body.error_description,
    requestId: body.request_id ?? headers['box-request-id'],
    conflict:
      first === undefined
        ? undefined
        : { id: first.id, type: first.type, name: first.name, sha1: first.sha1?.toLowerCase() },
  };
}

/** The refusal behind an error of this adapter, if Box refused anything. */
export function refusalOf(error: unknown): Refusal | undefined {
  // Only the error table writes this key, always with a Refusal.
  return error instanceof MilaError ? (error.data['refusal'] as Refusal | undefined) : undefined;
}
