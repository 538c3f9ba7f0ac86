import type { z } from 'zod';
import type { RequestContext } from './context.ts';
import { badRequest, type ParameterError, refuse } from './refusal.ts';

/** The largest JSON or form body; Box's requests are a few kilobytes, a commit of many parts is the longest. */
export const BODY_MAX_BYTES = 8 * 1024 * 1024;

/** Read a small body whole. Errors: 413 above `maxBytes`; 400 when the sender stopped in the middle. */
export async function readBody(context: RequestContext, maxBytes = BODY_MAX_BYTES): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const tooLarge = refuse(413, 'request_entity_too_large', 'Request Entity too Large');
  if (Number(context.request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge;
  try {
    for await (const chunk of context.body()) {
      size += chunk.byteLength;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw refuse(400, 'bad_request', `The request body ended too early (${String(cause).slice(0, 80)})`);
  }
  if (size > maxBytes) throw tooLarge;
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** Parse JSON text from outside. Errors: 400 `bad_request`. */
export function parseJson(content: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch {
    throw badRequest({
      reason: 'invalid_parameter',
      name: 'entity-body',
      message: 'Entity body should be a correctly nested resource attribute name/value pair',
    });
  }
}

/** The body as JSON; an empty one counts as an empty object. */
export async function readJson(context: RequestContext): Promise<unknown> {
  const body = await readBody(context);
  if (body.byteLength === 0) return {};
  return parseJson(body.toString('utf8'));
}

/** Translate what zod found into Box's list of parameter errors. */
export function parseParameters<Output>(schema: z.ZodType<Output>, value: unknown): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors: ParameterError[] = result.error.issues.slice(0, 20).map((issue) => {
    const name = issue.path.join('.');
    const missing = valueAt(value, issue.path) === undefined;
    return missing
      ? { reason: 'missing_parameter', name, message: `'${name}' is required` }
      : { reason: 'invalid_parameter', name, message: `Invalid value for '${name}'. ${issue.message}` };
  });
  throw badRequest(...errors);
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return found;
}

/** The JSON body, checked. Errors: 400 `bad_request` for broken JSON or wrong values. */
export async function bodyOf<Output>(context: RequestContext, schema: z.ZodType<Output>): Promise<Output> {
  return parseParameters(schema, await readJson(context));
}
