import type { Readable } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { z } from 'zod';
import type { Box } from '../box.ts';
import { parseJson, parseParameters } from '../http/body.ts';
import type { RequestContext } from '../http/context.ts';
import { given, reference } from '../http/given.ts';
import { badRequest, Refusal, refuse } from '../http/refusal.ts';
import { type Received, receiveContent } from './receive.ts';

/** The largest `attributes` part. */
const ATTRIBUTES_MAX_BYTES = 256 * 1024;
const PARTS_MAX = 20;
const WRONG_ORDER = 'Metadata is included after file contents in a file upload request.';

/** A time as Box accepts it; dates before 1970 are refused. */
export const timeSchema = z
  .string()
  .max(64)
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/, 'not an RFC 3339 time')
  .transform((value, context) => {
    const ms = Date.parse(value);
    if (Number.isFinite(ms) && ms >= 0) return Math.floor(ms / 1000) * 1000;
    context.addIssue({ code: 'custom', message: 'not a date since 1970' });
    return z.NEVER;
  });

const attributesSchema = z.object({
  name: given(z.string()),
  parent: given(reference),
  content_created_at: given(timeSchema),
  content_modified_at: given(timeSchema),
  description: given(z.string()),
});

/** What the `attributes` part of an upload says. */
export type UploadAttributes = z.infer<typeof attributesSchema>;

/** An upload taken apart. */
export interface UploadForm<Target> {
  readonly attributes: UploadAttributes;
  readonly target: Target;
  readonly received: Received;
}

/**
 * Read a direct upload: the part `attributes`, and after it the content.
 *
 * Guarantees: `check` runs as soon as the attributes are known, so that an upload that cannot succeed is refused before
 * its bytes are taken; received bytes are discarded on every error.
 * Errors: 400 `metadata_after_file_contents` for the wrong order; 400 `bad_request` for anything malformed.
 */
export function readUploadForm<Target>(
  box: Box,
  context: RequestContext,
  check: (attributes: UploadAttributes) => Target,
): Promise<UploadForm<Target>> {
  return new Promise((resolve, reject) => {
    const parser = parserFor(context);
    const body = context.body();
    let attributes: { readonly value: UploadAttributes; readonly target: Target } | undefined;
    let receiving: Promise<Received> | undefined;
    let content: Readable | undefined;
    let failed = false;
    const fail = (error: unknown) => {
      if (failed) return;
      failed = true;
      body.unpipe(parser);
      const refusal = asRefusal(error);
      reject(refusal);
      // The parser leaves the content's stream open when the request breaks off; its reader must not wait for ever.
      content?.destroy(refusal);
      receiving?.then((received) => received.discard()).catch(() => undefined);
      parser.destroy();
    };
    parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
      if (failed || name !== 'attributes' || attributes !== undefined) return;
      try {
        if (valueTruncated) throw badRequest({ reason: 'invalid_parameter', name, message: 'too long' });
        const parsed = parseParameters(attributesSchema, parseJson(value));
        attributes = { value: parsed, target: check(parsed) };
      } catch (error) {
        fail(error);
      }
    });
    parser.on('file', (_name: string, stream: Readable) => {
      if (failed || receiving !== undefined) {
        stream.resume();
        return;
      }
      if (attributes === undefined) {
        stream.resume();
        fail(refuse(400, 'metadata_after_file_contents', WRONG_ORDER));
        return;
      }
      content = stream;
      receiving = receiveContent(box, stream);
      receiving.catch(fail);
    });
    parser.on('error', fail);
    parser.on('finish', () => {
      if (failed) return;
      if (attributes === undefined || receiving === undefined) {
        const name = attributes === undefined ? 'attributes' : 'file';
        fail(badRequest({ reason: 'missing_parameter', name, message: `'${name}' is required` }));
        return;
      }
      const { value, target } = attributes;
      receiving.then((received) => resolve({ attributes: value, target, received }), fail);
    });
    body.on('error', fail);
    body.pipe(parser);
  });
}

function parserFor(context: RequestContext): BusboyInstance {
  const headers = context.request.headers;
  const type = headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type))
    throw refuse(415, 'unsupported_media_type', 'The upload must be multipart/form-data');
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      // A part counts as the file whenever it names a file or says that it is bytes.
      isPartAFile: (fieldName, contentType, fileName) =>
        fieldName !== 'attributes' &&
        (fileName !== undefined || contentType === 'application/octet-stream' || fieldName === 'file'),
      limits: { fieldSize: ATTRIBUTES_MAX_BYTES, fields: PARTS_MAX, parts: PARTS_MAX, headerPairs: 100 },
    });
  } catch (cause) {
    throw badRequest({
      reason: 'invalid_parameter',
      name: 'content-type',
      message: String(cause).slice(0, 100),
    });
  }
}

function asRefusal(error: unknown): Error {
  if (error instanceof Refusal) return error;
  const message = error instanceof Error ? error.message : String(error);
  return badRequest({ reason: 'invalid_parameter', name: 'entity-body', message: message.slice(0, 100) });
}
